"""Settings: where values come from, what is refused and how, and the template that shows them all."""

import tomllib

import pytest

from groundtune.errors import SettingsError
from groundtune.settings import Settings, all_tables, load, template


def write(folder, text):
    (folder / "groundtune.toml").write_text(text, encoding="utf-8")
    return folder


def resolve(folder, flags=None, **environment):
    return load(folder, flags, environment)


def test_without_a_file_everything_has_a_working_default(tmp_path):
    assert resolve(tmp_path).settings == Settings()
    assert {entry["origin"] for entry in resolve(tmp_path).record().values()} == {"default"}


def test_flag_beats_environment_beats_file_beats_default(tmp_path):
    write(tmp_path, "[tuning]\nsteps = 2\nrank = 2\nseed = 2\n")
    resolved = resolve(
        tmp_path, {"tuning.steps": "4"}, GROUNDTUNE_TUNING_STEPS="3", GROUNDTUNE_TUNING_RANK="3", GROUNDTUNE_X_Y="1"
    )
    tuning = resolved.settings.tuning
    assert (tuning.steps, tuning.rank, tuning.seed) == (4, 3, 2)
    record = resolved.record()
    origins = [record[f"tuning.{key}"]["origin"] for key in ("steps", "rank", "seed", "patience")]
    assert origins == ["flag", "environment", "file", "default"]
    assert record["tuning.steps"]["value"] == 4


def test_the_record_holds_every_setting(tmp_path):
    keys = {f"{table}.{key}" for table, values in Settings().model_dump().items() for key in values}
    inner = {f"{table}.{key}" for table, kind in all_tables().items() if "." in table for key in kind.model_fields}
    assert "tuning.raft.steps" in inner
    assert set(resolve(tmp_path).record()) == keys | inner


def test_a_settings_name_with_underscores_is_found_in_the_environment(tmp_path):
    resolved = resolve(tmp_path, GROUNDTUNE_ASSISTANT_MIN_SUPPORT="0.5")
    assert resolved.settings.assistant.min_support == 0.5


@pytest.mark.parametrize(
    ("text", "message", "remedy"),
    [
        ("[tuning]\nstep = 2\n", "unknown setting `tuning.step`", "Did you mean `steps`?"),
        ("[tunings]\nsteps = 2\n", "unknown setting `tunings`", "Did you mean `tuning`?"),
        ("[zzz]\n", "unknown setting `zzz`", "Known here: project, model"),
        ("[tuning]\nxyzxyz = 2\n", "unknown setting `tuning.xyzxyz`", "Known here: examples"),
        ("[tuning]\nsteps = 2.5\n", "`tuning.steps` is 2.5", "Correct"),
        ("[tuning]\nsteps = -1\n", "greater than or equal to 1", "Correct"),
        ("[knowledge]\nreadable_by = [1]\n", "`knowledge.readable_by` is 1", "Correct"),
        ('tuning = "x"\n', "`tuning` stands outside of a table", "[table]"),
        ("[tuning]\nsteps = \n", "not valid TOML", "Correct the line"),
        ("[tuning]\nsteps = 1\nsteps = 2\n", "not valid TOML", "Correct the line"),
    ],
)
def test_what_is_wrong_in_the_file_is_said_with_file_and_remedy(tmp_path, text, message, remedy):
    write(tmp_path, text)
    with pytest.raises(SettingsError) as raised:
        resolve(tmp_path)
    assert message in str(raised.value)
    assert remedy in raised.value.remedy
    assert raised.value.place == str(tmp_path / "groundtune.toml")


def test_a_file_that_is_not_utf8_is_refused(tmp_path):
    (tmp_path / "groundtune.toml").write_bytes(b'[project]\nname = "Caf\xe9"\n')
    with pytest.raises(SettingsError, match=r"groundtune\.toml"):
        resolve(tmp_path)


@pytest.mark.parametrize("key", ["tuning.steps", "tuning.nothing", "tunings.steps"])
@pytest.mark.parametrize(
    ("place", "sources"),
    [
        ("command line", lambda key: ({key: "many"}, {})),
        ("environment variable", lambda key: (None, {"GROUNDTUNE_" + key.upper().replace(".", "_"): "many"})),
    ],
)
def test_what_is_wrong_elsewhere_names_its_place(tmp_path, key, place, sources):
    flags, environment = sources(key)
    if environment and key.startswith("tunings"):  # a variable that names none of the tables is not ours
        assert load(tmp_path, None, environment).settings == Settings()
        return
    with pytest.raises(SettingsError) as raised:
        load(tmp_path, flags, environment)
    assert raised.value.place == place


def test_settings_cannot_be_changed(tmp_path):
    settings = resolve(tmp_path).settings
    with pytest.raises(ValueError, match="frozen"):
        settings.tuning.steps = 3


@pytest.mark.parametrize("name", ["shop", 'a "quoted" name', "back\\slash", "Café"])
def test_the_template_is_a_valid_file_with_every_setting_explained(tmp_path, name):
    text = template(name)
    write(tmp_path, text)
    assert resolve(tmp_path).settings == Settings(project={"name": name})
    assert set(Settings.model_fields) < set(all_tables())
    for table, kind in all_tables().items():
        assert f"[{table}]" in text
        if table != "project":
            for key, setting in kind.model_fields.items():
                assert setting.description
                assert f"# {setting.description}\n# {key} =" in text


def test_the_templates_values_are_the_defaults(tmp_path):
    lines = template("assistant").splitlines()
    # a line without a value stands for "not set"
    active = [line.removeprefix("# ") if " = " in line and line.startswith("# ") else line for line in lines]
    kept = []
    for line in active:
        try:
            tomllib.loads(line)
        except tomllib.TOMLDecodeError:
            continue  # an explanation that has an equals sign in it
        kept.append(line)
    write(tmp_path, "\n".join(kept))
    assert resolve(tmp_path).settings == Settings()
    assert len([line for line in kept if " = " in line]) > 40


def test_a_list_can_stand_in_the_environment(tmp_path):
    found = resolve(tmp_path, GROUNDTUNE_COMPARISON_CANDIDATES='["base", "rag"]').settings
    assert found.comparison.candidates == ["base", "rag"]
    with pytest.raises(SettingsError, match="environment variable"):
        resolve(tmp_path, GROUNDTUNE_COMPARISON_CANDIDATES='["base"')

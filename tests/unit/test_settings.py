"""Settings: where values come from, what is refused and how, and the template that shows them all."""

import pickle
import subprocess
import sys
import tomllib

import pytest
from pydantic import Field

from groundtune import plugins
from groundtune.errors import SettingsError
from groundtune.settings import Settings, StoreSettings, Table, all_tables, load, template
from groundtune.settings.sources import from_environment, variable_name
from groundtune.tuning.raft import RaftSettings


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
        ("[zzz]\n", "unknown setting `zzz`", "Known settings: project, model"),
        ("[tuning]\nxyzxyz = 2\n", "unknown setting `tuning.xyzxyz`", "Known settings: examples"),
        ("[tuning]\nsteps = 2.5\n", "`tuning.steps` is 2.5", "Correct"),
        ("[tuning]\nsteps = -1\n", "greater than or equal to 1", "Correct"),
        ("[knowledge]\nreadable_by = [1]\n", "`knowledge.readable_by` is 1", "Correct"),
        ('tuning = "x"\n', "`tuning` is outside any table", "[table]"),
        ("[tuning]\nsteps = \n", "not valid TOML", "Correct that line"),
        ("[tuning]\nsteps = 1\nsteps = 2\n", "not valid TOML", "Correct that line"),
        ("[tuning]\nraft_steps = 2\n", "`tuning.raft_steps` is now `tuning.raft.steps`", "`steps` under [tuning.raft]"),
        ("[tuning]\nraft_oracle_share = 1\n", "is now `tuning.raft.oracle_share`.", "under [tuning.raft]"),
        ("[tuning.raft]\nstep = 2\n", "unknown setting `tuning.raft.step`", "Did you mean `steps`?"),
        ("[tuning.raft]\nxyzxyz = 2\n", "unknown setting `tuning.raft.xyzxyz`", "Known settings: steps, oracle_share."),
        ("[tuning.rafts]\nsteps = 2\n", "unknown setting `tuning.rafts`", "Did you mean `raft`?"),
        ("[tuning.rafts]\n", "unknown setting `tuning.rafts`", "Did you mean `raft`?"),
        ("[tuning.raft.steps]\nx = 2\n", "`tuning.raft.steps`: ", "Correct"),
        ("[tuning.steps]\nx = 2\n", "`tuning.steps` is a setting, not a table.", "`steps = VALUE` under [tuning]"),
        ("[tuning]\nraft = 2\n", "`tuning.raft` is a table.", "Set the settings in it: `tuning.raft.steps`, "),
        ("[tuning.raft]\nsteps = -2\n", "`tuning.raft.steps` is -2", "Correct"),
        ("[store.acme]\nsize = 2\n", "unknown setting `store.acme`", "Known settings: "),
        ("[business]\ncurrency = 'EUR'\n", "`business.currency` is not used yet.", "Remove it"),
    ],
)  # fmt: skip
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


@pytest.mark.parametrize(
    ("flags", "environment", "steps"),
    [
        ({}, {}, 2),
        ({}, {"GROUNDTUNE_TUNING__RAFT__STEPS": "3"}, 3),
        ({"tuning.raft.steps": "4"}, {"GROUNDTUNE_TUNING__RAFT__STEPS": "3"}, 4),
    ],
)
def test_a_table_in_a_table_comes_from_file_environment_and_flags(tmp_path, flags, environment, steps):
    write(tmp_path, "[tuning]\nsteps = 9\n[tuning.raft]\nsteps = 2\n")
    resolved = load(tmp_path, flags, environment)
    raft = resolved.settings.part("tuning.raft", RaftSettings)
    assert raft == resolved.settings.tuning.part("raft", RaftSettings)
    assert (raft.steps, raft.oracle_share, resolved.settings.tuning.steps) == (steps, 0.9, 9)
    origin = "flag" if flags else "environment" if environment else "file"
    assert resolved.record()["tuning.raft.steps"] == {"value": steps, "origin": origin}
    assert resolved.record()["tuning.raft.oracle_share"] == {"value": 0.9, "origin": "default"}


def test_what_is_not_set_has_its_defaults(tmp_path):
    assert Settings().part("tuning.raft", RaftSettings) == RaftSettings()
    assert resolve(write(tmp_path, "[tuning.raft]\n")).settings == Settings()
    with pytest.raises(TypeError, match="declared as RaftSettings"):
        resolve(write(tmp_path, "[tuning]\nraft = {steps = 3}\n")).settings.part("tuning.raft", StoreSettings)


def test_a_copy_keeps_the_tables_inside(tmp_path):
    tuning = resolve(tmp_path, {"tuning.raft.steps": 3}).settings.tuning
    for other in (tuning.model_copy(update={"steps": 1}), pickle.loads(pickle.dumps(tuning))):
        assert other.part("raft", RaftSettings).steps == 3


def test_the_empty_table_that_init_wrote_before_is_taken(tmp_path):
    assert resolve(write(tmp_path, '[business]\n# currency = "EUR"\n')).settings == Settings()


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        (["TUNING_RAFT_STEPS"], "Set GROUNDTUNE_TUNING__RAFT__STEPS instead of GROUNDTUNE_TUNING_RAFT_STEPS."),
        (["TUNING__RAFT_STEPS"], "Set GROUNDTUNE_TUNING__RAFT__STEPS instead of GROUNDTUNE_TUNING__RAFT_STEPS."),
        (["TUNING_RAFT__STEPS"], "Set GROUNDTUNE_TUNING__RAFT__STEPS instead of GROUNDTUNE_TUNING_RAFT__STEPS."),
        (["TUNING__HELD__OUT"], "Set GROUNDTUNE_TUNING_HELD_OUT instead of GROUNDTUNE_TUNING__HELD__OUT."),
        (["TUNING__RAFT"], "`tuning.raft` is a table."),
        (["TUNING__RAFT__STEP"], "Did you mean `steps`?"),
        (["STORE_ACME_SIZE"], "unknown setting `store.acme_size`"),
        (["BUSINESS_CURRENCY"], "`business.currency` is not used yet."),
        (["TUNING_STEPS", "TUNING__STEPS"], "TUNING_STEPS and GROUNDTUNE_TUNING__STEPS both set `tuning.steps`."),
    ],
)  # fmt: skip
def test_a_variable_that_can_be_misread_is_refused(tmp_path, variables, said):
    with pytest.raises(SettingsError) as raised:
        load(tmp_path, None, {f"GROUNDTUNE_{name}": "3" for name in variables})
    assert said in str(raised.value)
    assert raised.value.place == "environment variable"


def test_every_setting_has_one_variable_and_no_two_the_same(tmp_path):
    keys = [f"{table}.{key}" for table, kind in all_tables().items() for key in kind.model_fields]
    assert len({variable_name(key) for key in keys}) == len(keys)
    for key in keys:
        (given,) = from_environment({variable_name(key): "x"})
        assert given.key == key


def test_a_flag_that_moved_names_the_new_one(tmp_path):
    with pytest.raises(SettingsError, match=r"is now `tuning.raft.steps`. Write --set tuning.raft.steps=VALUE."):
        resolve(tmp_path, {"tuning.raft_steps": "4"})


def test_plugins_are_imported_only_for_keys_that_are_not_built_in(tmp_path, monkeypatch):
    monkeypatch.setattr(plugins, "declared", lambda: pytest.fail("looked for plugins"))
    write(tmp_path, "[tuning]\nsteps = 2\n")
    assert resolve(tmp_path, {"tuning.rank": 2}, GROUNDTUNE_TUNING_SEED="2").settings.tuning.steps == 2


class Mine(Table):
    """`[tuning.mine]`: a plugin's."""

    size: int = Field(1, description="How large.")


class Lacking(Table):
    size: int


class Shouting(Table):
    SIZE: int = 1


@pytest.mark.parametrize(
    ("name", "kind", "why"),
    [
        ("mine", Mine, "the name must be TABLE.NAME"),
        ("mine.own", Mine, "the name must be TABLE.NAME"),
        ("tuning.a.b", Mine, "the name must be TABLE.NAME"),
        ("tuning.a__b", Mine, "the name must be TABLE.NAME"),
        ("tuning.steps", Mine, "`tuning.steps` is already a setting"),
        ("tuning.raft", Mine, "`groundtune.tuning.raft` declares it too"),
        ("tuning.mine", dict, "does not derive from groundtune.settings.Table"),
        ("tuning.mine", Lacking, "`size` has no default"),
        ("tuning.mine", Shouting, "`SIZE` is not a lower-case name"),
    ],
)
def test_a_plugins_table_that_cannot_be_is_refused_by_name(installed, tmp_path, name, kind, why):
    installed("techniques", "zzz_plugin", groundtune_settings=lambda: {name: kind})
    with pytest.raises(SettingsError) as raised:
        resolve(tmp_path, {"tuning.raft.steps": "4"})
    assert why in str(raised.value)
    assert "zzz_plugin" in str(raised.value)


def test_a_plugins_table_is_like_a_built_in_one(installed, tmp_path):
    installed("techniques", "zzz_plugin", groundtune_settings=lambda: {"tuning.mine": Mine})
    write(tmp_path, "[tuning.mine]\nsize = 3\n")
    resolved = resolve(tmp_path)
    assert resolved.settings.part("tuning.mine", Mine).size == 3
    assert resolved.record()["tuning.mine.size"] == {"value": 3, "origin": "file"}
    assert "[tuning.mine]\n# How large.\n# size = 1\n" in template("x")
    with pytest.raises(SettingsError, match="Did you mean `size`"):
        resolve(tmp_path, {"tuning.mine.siz": 3})


@pytest.mark.parametrize("name", [name for name in all_tables() if "." in name])
def test_that_a_table_is_there_is_known_without_importing_it(name):
    assert plugins.surely_declared([name])
    assert not plugins.surely_declared([name, f"{name}s"])


def test_the_file_of_a_new_project_imports_no_technique_and_no_store(tmp_path):
    write(tmp_path, template("shop"))
    program = (
        "import sys, pathlib; from groundtune.settings import load_project; load_project(pathlib.Path(sys.argv[1])); "
        "heavy = ('groundtune.tuning.', 'groundtune.knowledge.stores.'); "
        "print([name for name in sys.modules if name.startswith(heavy)])"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"

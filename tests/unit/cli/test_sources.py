"""Documents elsewhere, on the command line."""

import pytest
from _site import Reply, Site


@pytest.fixture
def site(project):
    with Site() as made:
        made.pages["/brook"] = Reply(b"<h1>Brook</h1><p>The brook plan costs 7 euros.")
        made.pages["/slow"] = Reply(status=503)
        entries = "".join(f"<url><loc>{made.url}{path}</loc></url>" for path in ("/brook", "/slow"))
        made.pages["/sitemap.xml"] = Reply(f"<urlset>{entries}</urlset>".encode(), type="text/xml")
        settings = f'sources = ["{made.url}/sitemap.xml"]\n[knowledge.web]\nprivate_hosts = ["{made.host}"]\n'
        with (project / "groundtune.toml").open("a", encoding="utf-8") as file:
            file.write(f"\n[knowledge]\n{settings}")
        yield made


def test_ingest_says_what_was_fetched_and_what_was_not(run, project, site):
    ended = run("ingest", "--project", project)
    assert ended.code == 2
    assert "1 fetched, 0 unchanged, 0 removed" in " ".join(ended.out.split())
    assert "answered 503. What is held of it stays." in " ".join(ended.out.split())
    told = run("ingest", "--project", project, "--json").json
    assert told["sources"] == [
        {"source": f"{site.url}/sitemap.xml", "listed": 2, "fetched": 1, "unchanged": 0, "removed": 0}
    ]
    assert (told["added"], told["unchanged"]) == (0, 2)


def test_a_document_of_a_source_is_known_by_its_address(run, project, site):
    address = f"{site.url}/brook"
    (refused,) = run("knowledge", "read", address, "--project", project, "--json").json["documents"]
    assert "no source has a copy of it" in refused["refused"]
    run("ingest", "--project", project)
    assert address in run("knowledge", "list", "--project", project, "--json").json["documents"]
    (read,) = run("knowledge", "read", address, "--project", project, "--json").json["documents"]
    assert (read["path"], read["title"]) == (address, "Brook")
    shown = run("knowledge", "show", address, "--project", project, "--json").json
    assert "7 euros" in shown["chunks"][-1]["text"]
    (found,) = run("search", "brook plan", "-k", "1", "--project", project, "--json").json["passages"]
    assert found["document"] == address


@pytest.mark.parametrize("forget", [(), ("--forget",)])
def test_a_document_that_is_removed_and_comes_back_is_said(run, project, site, forget):
    run("ingest", "--project", project)
    address = f"{site.url}/brook"
    told = run("knowledge", "remove", address, *forget, "--project", project, "--json").json
    assert (told["removed"], told["files_left"], told["left_at_sources"]) == (1, [], [address])
    assert run("ingest", "--project", project, "--json").json["added"] == 1
    told = run("knowledge", "remove", address, *forget, "--project", project)
    assert "is still at its source: the next `ingest` adds it again" in " ".join(told.out.split())

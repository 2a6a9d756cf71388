"""Documents elsewhere: what S3 and a site have is in the knowledge base, and follows every change there."""

import gzip
import sys
import time

import pytest
import tomlkit
from _site import Reply, Site

from groundtune.assembly import knowledge as knowledge_module
from groundtune.assembly.opening import open_knowledge
from groundtune.errors import SettingsError
from groundtune.knowledge.ingest import Manner, documents, ingest
from groundtune.knowledge.seen import SeenFiles
from groundtune.knowledge.sources.mirrors import Mirrors
from groundtune.knowledge.stores.lancedb import LanceDBStore
from groundtune.settings import load
from groundtune.testing.embedders import HashingEmbedder
from groundtune.values import Search

boto3 = pytest.importorskip("boto3")
BUCKET = "company"
PLANS = "s3://company/plans"


@pytest.fixture(autouse=True)
def set_up(monkeypatch, tmp_path):
    monkeypatch.setattr(knowledge_module, "embedder", lambda settings: HashingEmbedder())
    (tmp_path / "shop" / "documents").mkdir(parents=True)
    (tmp_path / "shop" / "documents" / "local.md").write_text("The local plan costs 5 euros.", encoding="utf-8")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


class Shop:
    """A project with sources, and a store that holds its documents."""

    def __init__(self, folder):
        self.folder, self.embedder = folder, HashingEmbedder()
        self.store = LanceDBStore(folder / "store", self.embedder.signature, self.embedder.dimension)

    def write(self, sources, web=None, **more):
        self.toml(tomlkit.dumps({"knowledge": {"sources": sources, "read_apart": False, **more, "web": web or {}}}))
        return self

    def toml(self, text):
        (self.folder / "groundtune.toml").write_text(text, encoding="utf-8")

    def ingest(self, paths=None, *, verify=False):
        settings = load(self.folder, environment={}).settings.knowledge
        sources = Mirrors(settings, self.folder).update(verify=verify) if paths is None else ()
        manner = Manner(seen=SeenFiles(self.folder / "seen.json", settings, verify=verify))
        return ingest(self.folder / "documents", self.store, self.embedder, settings, paths, manner, sources)

    def held(self):
        return sorted(self.store.documents())

    def said(self, document):
        chunks = self.store.document(document).chunks
        return " ".join(chunk.text for chunk in chunks), chunks[0].readable_by, chunks[0].metadata


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path / "shop")


def numbers(report):
    return report.added, report.changed, report.unchanged, report.removed, len(report.failed)


# --- S3 ---------------------------------------------------------------------------------------------


@pytest.fixture
def bucket():
    moto = pytest.importorskip("moto")
    with moto.mock_aws():
        made = boto3.resource("s3").Bucket(BUCKET)
        made.create()
        yield made


def put(bucket, **files):
    for name, text in files.items():
        bucket.put_object(Key=f"plans/{name.replace('__', '/')}.md", Body=text.encode())


def test_s3_is_ingested_and_follows_every_change(shop, bucket):
    put(bucket, brook="The brook plan costs 7 euros.", sub__delta="The delta plan costs 9 euros.")
    bucket.put_object(Key="plans-of-others/x.md", Body=b"not ours")
    shop.write([PLANS])
    assert numbers(shop.ingest()) == (3, 0, 0, 0, 0)
    assert shop.held() == ["local.md", f"{PLANS}/brook.md", f"{PLANS}/sub/delta.md"]
    assert numbers(shop.ingest()) == (0, 0, 3, 0, 0)

    put(bucket, brook="The brook plan costs 8 euros.", forge="The forge plan costs 11 euros.")
    bucket.Object("plans/sub/delta.md").delete()
    report = shop.ingest()
    assert numbers(report) == (1, 1, 1, 1, 0)
    (told,) = report.as_json()["sources"]
    assert told == {"source": PLANS, "listed": 2, "fetched": 2, "unchanged": 0, "removed": 1}
    assert shop.held() == ["local.md", f"{PLANS}/brook.md", f"{PLANS}/forge.md"]
    assert "8 euros" in shop.said(f"{PLANS}/brook.md")[0]
    assert not list(shop.folder.rglob("delta.md")), "the copy is deleted"


def test_only_what_has_changed_is_fetched_and_verify_fetches_all(shop, bucket, monkeypatch):
    put(bucket, **{f"plan{number}": f"Plan {number} costs {number} euros." for number in range(5)})
    shop.write([PLANS])
    assert shop.ingest().sources[0].fetched == 5
    put(bucket, plan3="Plan 3 costs 33 euros.")
    assert shop.ingest().sources[0].fetched == 1
    assert shop.ingest(verify=True).sources[0].fetched == 5
    next(shop.folder.rglob("plan2.md")).unlink()
    assert (shop.ingest().sources[0].fetched, len(shop.held())) == (1, 6)
    next(shop.folder.rglob("index.json")).write_text("{", encoding="utf-8")
    assert (shop.ingest().sources[0].fetched, len(shop.held())) == (5, 6)


def test_a_long_listing_is_read_to_its_end(shop, bucket, monkeypatch):
    client = boto3.client("s3")
    pages = []
    made = type(client).list_objects_v2
    monkeypatch.setattr("groundtune.http.aws.client", lambda *_: client)
    monkeypatch.setattr(
        type(client), "list_objects_v2", lambda self, **asked: pages.append(1) or made(self, MaxKeys=2, **asked)
    )
    put(bucket, **{f"plan{number}": f"Plan {number} costs {number} euros." for number in range(5)})
    assert shop.write([PLANS]).ingest().added == 6
    assert len(pages) == 3


def test_a_bucket_that_cannot_be_listed_removes_nothing(shop, bucket):
    put(bucket, brook="The brook plan costs 7 euros.")
    shop.write([PLANS])
    shop.ingest()
    bucket.objects.delete()
    bucket.delete()
    report = shop.ingest()
    assert numbers(report) == (0, 0, 2, 0, 1)
    assert "cannot be listed" in report.failed[0][1]
    assert "NoSuchBucket" in report.failed[0][1]
    assert report.sources[0].listed is None
    assert shop.held() == ["local.md", f"{PLANS}/brook.md"]
    next(shop.folder.rglob("index.json")).unlink()
    assert numbers(shop.ingest()) == (0, 0, 1, 0, 1)
    assert shop.held() == ["local.md", f"{PLANS}/brook.md"], "nor without the copies"


def test_without_its_package_a_source_says_what_to_install(shop, monkeypatch):
    monkeypatch.setitem(sys.modules, "boto3", None)
    report = shop.write([PLANS]).ingest()
    assert numbers(report) == (1, 0, 0, 0, 1)
    assert 'pip install "groundtune[aws]"' in report.failed[0][1]


def test_an_empty_prefix_is_empty(shop, bucket):
    put(bucket, brook="The brook plan costs 7 euros.")
    shop.write([PLANS])
    shop.ingest()
    bucket.Object("plans/brook.md").delete()
    assert numbers(shop.ingest()) == (0, 0, 1, 1, 0)


def test_a_source_that_is_not_named_any_more_is_gone(shop, bucket):
    put(bucket, brook="The brook plan costs 7 euros.")
    shop.write([PLANS])
    shop.ingest()
    shop.write([])
    assert numbers(shop.ingest()) == (0, 0, 1, 1, 0)
    assert not list((shop.folder / ".groundtune").rglob("brook.md"))


def test_what_is_no_document_is_said_and_not_fetched(shop, bucket):
    put(bucket, brook="The brook plan costs 7 euros.")
    for key in ("photo.xyz", ".DS_Store", "sub/Thumbs.db", ".git/config", "folder/"):
        bucket.put_object(Key=f"plans/{key}", Body=b"" if key.endswith("/") else b"xyz")
    bucket.put_object(Key="plans/long.md", Body=b"x" * 2_000_000)
    report = shop.write([PLANS], file_mb=1).ingest()
    assert {document: reason[:30] for document, reason in report.failed} == {
        f"{PLANS}/long.md": "is 2 MB large, and at most 1 M",
        f"{PLANS}/photo.xyz": "no reader for `.xyz` files. Co",
    }
    assert sorted(report.ignored) == [
        (f"{PLANS}/.DS_Store", "hidden"), (f"{PLANS}/.git/config", "hidden"), (f"{PLANS}/sub/Thumbs.db", "system"),
    ]  # fmt: skip
    assert report.sources[0].fetched == 1


@pytest.mark.parametrize("code", ["SlowDown", "AccessDenied", "InvalidObjectState"])
def test_an_object_that_cannot_be_fetched_stays_as_it_was(shop, bucket, monkeypatch, code):
    from botocore.exceptions import ClientError

    put(bucket, brook="The brook plan costs 7 euros.", delta="The delta plan costs 9 euros.")
    shop.write([PLANS])
    shop.ingest()
    put(bucket, brook="The brook plan costs 8 euros.", delta="The delta plan costs 10 euros.", new="New: 1 euro.")
    client = boto3.client("s3")
    made = type(client).get_object

    def get(self, Key, **asked):  # noqa: N803 -- boto3's
        if "delta" not in Key:
            raise ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": 400}}, "GetObject")
        return made(self, Key=Key, **asked)

    monkeypatch.setattr(type(client), "get_object", get)
    monkeypatch.setattr("groundtune.http.aws.client", lambda *_: client)
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda seconds: None)
    monkeypatch.setattr("groundtune.knowledge.sources.s3.Backoff", lambda: quick())
    report = shop.ingest()
    assert numbers(report) == (0, 1, 2, 0, 2)
    assert all(code in reason for _, reason in report.failed)
    assert "7 euros" in shop.said(f"{PLANS}/brook.md")[0]
    monkeypatch.undo()


def quick():
    from groundtune.http import Backoff

    return Backoff(attempts=2, sleep=lambda seconds: None)


# --- who may read -----------------------------------------------------------------------------------


def test_rules_hold_in_s3_as_in_the_folder(shop, bucket):
    put(bucket, brook="The brook plan costs 7 euros.", hr__pay="Pay is 9 euros.", hr__open="Open is 1 euro.")
    bucket.put_object(Key="plans/hr/.meta.toml", Body=b'readable_by = ["hr"]\nteam = "HR"\n')
    bucket.put_object(Key="plans/hr/open.md.meta.toml", Body=b'readable_by = ["staff"]\n')
    (shop.folder / "documents" / ".meta.toml").write_text('readable_by = ["nobody"]\n', encoding="utf-8")
    shop.write([{"url": PLANS, "readable_by": ["partners"], "metadata": {"from": "sales"}}])
    assert numbers(shop.ingest()) == (4, 0, 0, 0, 0)
    assert shop.said(f"{PLANS}/brook.md")[1:] == (("partners",), {"from": "sales"})
    assert shop.said(f"{PLANS}/hr/pay.md")[1:] == (("hr",), {"from": "sales", "team": "HR"})
    assert shop.said(f"{PLANS}/hr/open.md")[1] == ("staff",)
    assert shop.said("local.md")[1] == ("nobody",)

    shop.write([{"url": PLANS, "readable_by": []}])
    assert numbers(shop.ingest()) == (0, 3, 1, 0, 0)
    assert shop.said(f"{PLANS}/brook.md")[1] == ()
    bucket.Object("plans/hr/.meta.toml").delete()
    shop.ingest()
    assert shop.said(f"{PLANS}/hr/pay.md")[1] == ()


def test_a_rule_that_is_broken_or_cannot_be_fetched_keeps_its_documents_out(shop, bucket, monkeypatch):
    put(bucket, hr__pay="Pay is 9 euros.", brook="The brook plan costs 7 euros.")
    bucket.put_object(Key="plans/hr/.meta.toml", Body=b"readable_by = [")
    bucket.put_object(Key="plans/gone.md.meta.toml", Body=b'a = "b"')
    shop.write([PLANS])
    report = shop.ingest()
    assert {document: reason.partition(" ")[0] for document, reason in report.failed} == {
        f"{PLANS}/gone.md.meta.toml": "there", f"{PLANS}/hr/pay.md": f"{PLANS}/hr/.meta.toml"
    }  # fmt: skip
    assert shop.held() == ["local.md", f"{PLANS}/brook.md"]

    from groundtune.errors import FetchFailed
    from groundtune.knowledge.sources.s3 import S3Source

    bucket.put_object(Key="plans/hr/.meta.toml", Body=b'readable_by = ["hr"]')
    made = S3Source.fetch

    def fetch(self, remote, known):
        if remote.document.endswith(".meta.toml"):
            raise FetchFailed("answered 503.")
        return made(self, remote, known)

    monkeypatch.setattr(S3Source, "fetch", fetch)
    assert f"{PLANS}/hr/pay.md" in dict(shop.ingest().failed)
    assert shop.held() == ["local.md", f"{PLANS}/brook.md"]
    settings = load(shop.folder, environment={}).settings.knowledge
    read = documents(shop.folder / "documents", settings, Mirrors(settings, shop.folder).mirrored())
    assert sorted(read) == shop.held(), "also where the copies are read"
    monkeypatch.setattr(S3Source, "fetch", made)
    shop.ingest()
    assert shop.said(f"{PLANS}/hr/pay.md")[1] == ("hr",)


def test_a_document_in_two_sources_with_other_readers_is_refused(shop, bucket):
    put(bucket, hr__pay="Pay is 9 euros.", brook="The brook plan costs 7 euros.")
    shop.write([PLANS, {"url": f"{PLANS}/hr", "readable_by": ["hr"]}])
    report = shop.ingest()
    assert dict(report.failed).keys() == {f"{PLANS}/hr/pay.md"}
    assert shop.held() == ["local.md", f"{PLANS}/brook.md"]
    shop.write([PLANS, f"{PLANS}/hr"])
    assert numbers(shop.ingest()) == (1, 0, 2, 0, 0)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('sources = ["s3://Company/plans"]', "Write s3://BUCKET"),
        ('sources = ["sftp://x/y"]', "no plugin for sources knows"),
        ('sources = ["https://ana:hunter2@docs.example.com/sitemap.xml"]', "contains credentials"),
        ('sources = ["s3://a-b/c", "s3://a-b/c"]', "names s3://a-b/c twice"),
        ('[[knowledge.sources]]\nurl = "s3://a-b"\nreaders = ["hr"]', "unknown key `readers`; known are url"),
        ('[[knowledge.sources]]\nurl = "s3://a-b"\nreadable_by = "hr"', "should be a valid list"),
        ('[[knowledge.sources]]\nreadable_by = ["hr"]', "Field required"),
        ('sources = ["http://docs.example.com/sitemap.xml"]\n[knowledge.web]\nprivate_hosts = ["a/b"]', "HOST:PORT"),
    ],
)
def test_what_is_set_wrong_is_refused_before_anything_is_asked(shop, table, said):
    shop.toml(f"[knowledge]\n{table}")
    with pytest.raises(SettingsError, match=said) as refused:
        shop.ingest()
    assert "hunter2" not in str(refused.value)


# --- a site -----------------------------------------------------------------------------------------


@pytest.fixture
def site():
    with Site() as made:
        yield made


def page(text, **more):
    return Reply(f"<title>Docs</title><p>{text}</p>".encode(), **more)


def listed(site, *paths, lastmod="", of="url"):
    changed = f"<lastmod>{lastmod}</lastmod>" if lastmod else ""
    entries = "".join(
        f"<{of}><loc>{path if '://' in path else site.url + path}</loc>{changed}</{of}>" for path in paths
    )
    root = "urlset" if of == "url" else "sitemapindex"
    text = f'<{root} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</{root}>'
    return Reply(text.encode(), type="application/xml")


@pytest.fixture
def docs(shop, site):
    """A shop whose source is a site with two pages, in the company's own network."""
    site.pages["/brook"] = page("The brook plan costs 7 euros.")
    site.pages["/delta/"] = page("The delta plan costs 9 euros.")
    site.pages["/sitemap.xml"] = listed(site, "/brook", "/delta/")
    return shop.write([f"{site.url}/sitemap.xml"], {"private_hosts": [site.host]})


def test_a_site_is_ingested_and_follows_every_change(docs, site):
    assert numbers(docs.ingest()) == (3, 0, 0, 0, 0)
    assert docs.held() == [f"{site.url}/brook", f"{site.url}/delta/", "local.md"]
    assert numbers(docs.ingest()) == (0, 0, 3, 0, 0)
    site.pages["/brook"] = page("The brook plan costs 8 euros.")
    site.pages["/forge"] = page("The forge plan costs 11 euros.")
    site.pages["/sitemap.xml"] = listed(site, "/brook", "/forge")
    assert numbers(docs.ingest()) == (1, 1, 1, 1, 0)
    assert "8 euros" in docs.said(f"{site.url}/brook")[0]


def test_a_site_that_must_not_be_asked_is_not(shop, site):
    site.pages["/sitemap.xml"] = listed(site, "/brook")
    report = shop.write([f"{site.url}/sitemap.xml"]).ingest()
    assert "which is not public" in report.failed[0][1]
    assert not site.asked


def test_pages_that_did_not_change_are_not_fetched_again(docs, site):
    site.pages["/sitemap.xml"] = listed(site, "/brook", "/delta/", lastmod="2026-01-05")
    docs.ingest()
    site.asked.clear()
    docs.ingest()
    assert site.paths == ["/sitemap.xml", "/robots.txt"]
    site.pages["/sitemap.xml"] = listed(site, "/brook", "/delta/", lastmod="2026-01-06T10:00:00Z")
    assert docs.ingest().sources[0].fetched == 2


def test_a_page_of_today_may_change_once_more(docs, site):
    today = time.strftime("%Y-%m-%d", time.gmtime())
    site.pages["/sitemap.xml"] = listed(site, "/brook", lastmod=today)
    docs.ingest()
    site.pages["/brook"] = page("The brook plan costs 8 euros.")
    assert docs.ingest().changed == 1


def test_without_a_date_the_site_is_asked_what_changed(docs, site):
    site.pages["/brook"].headers["ETag"] = '"one"'
    site.pages["/delta/"].headers["Last-Modified"] = "Mon, 05 Jan 2026 10:00:00 GMT"
    docs.ingest()
    site.asked.clear()
    report = docs.ingest().sources[0]
    assert (report.fetched, report.unchanged) == (1, 1)
    asked = dict(site.asked)
    assert asked["/brook"]["If-None-Match"] == '"one"'
    assert asked["/delta/"]["If-Modified-Since"] == "Mon, 05 Jan 2026 10:00:00 GMT"
    site.asked.clear()
    assert docs.ingest(verify=True).sources[0].fetched == 2
    assert dict(site.asked)["/brook"]["If-None-Match"] is None


@pytest.mark.parametrize(
    "broken",
    [
        Reply(status=500), Reply(status=404), Reply(b"<html><body>Sign in</body></html>"), Reply(b"no XML"), Reply(b""),
        Reply(gzip.compress(b"<urlset/>")[:-5]), Reply(status=302, headers={"Location": "http://127.0.0.1:9/s.xml"}),
        Reply(b'<!DOCTYPE a [<!ENTITY b "c">]><urlset>&b;'),
    ],
)  # fmt: skip
def test_a_sitemap_that_cannot_be_read_removes_nothing(docs, site, broken):
    docs.ingest()
    site.pages["/sitemap.xml"] = broken
    report = docs.ingest()
    assert numbers(report) == (0, 0, 3, 0, 1)
    assert report.failed[0][0] == f"{site.url}/sitemap.xml"
    assert "cannot be listed" in report.failed[0][1]


def test_a_page_with_an_error_stays_as_it_was_and_one_that_is_gone_goes(docs, site):
    docs.ingest()
    site.pages["/brook"] = Reply(status=500)
    site.pages["/delta/"] = Reply(status=410)
    report = docs.ingest()
    assert numbers(report) == (0, 0, 2, 1, 1)
    assert report.failed == ((f"{site.url}/brook", "answered 500. What is held of it stays."),)
    assert report.ignored == ((f"{site.url}/delta/", "listed, but not there any more"),)
    assert docs.held() == [f"{site.url}/brook", "local.md"]


def test_large_and_slow_pages_are_said(docs, site):
    docs.write([f"{site.url}/sitemap.xml"], {"private_hosts": [site.host], "page_mb": 0.01, "page_seconds": 0.3})
    site.pages["/brook"] = page("x" * 20_000)
    site.pages["/delta/"] = Reply(write=lambda handler: time.sleep(1))
    reasons = dict(docs.ingest().failed)
    assert "larger than 0.01 MB" in reasons[f"{site.url}/brook"]
    assert "did not reply within 0.3 seconds" in reasons[f"{site.url}/delta/"]


def test_a_redirect_inside_is_refused(docs, site):
    with Site() as inside:
        inside.pages["/secret"] = page("the keys")
        site.pages["/brook"] = Reply(status=302, headers={"Location": f"{inside.url}/secret"})
        site.pages["/delta/"] = Reply(status=302, headers={"Location": "/moved"})
        site.pages["/moved"] = page("The delta plan costs 9 euros.")
        report = docs.ingest()
        assert not inside.asked
    assert dict(report.failed).keys() == {f"{site.url}/brook"}
    assert docs.held() == [f"{site.url}/delta/", "local.md"]


def test_sitemaps_of_sitemaps_and_packed_ones(docs, site):
    site.pages["/sitemap.xml"] = listed(site, "/a.xml", "/b.xml.gz", "/sitemap.xml", of="sitemap")
    site.pages["/a.xml"] = listed(site, "/brook")
    packed = gzip.compress(listed(site, "/delta/", "/brook").body)
    site.pages["/b.xml.gz"] = Reply(packed, type="application/gzip")
    assert docs.ingest().sources[0].listed == 2
    site.pages["/b.xml.gz"] = Reply(status=503)
    report = docs.ingest()
    assert numbers(report) == (0, 0, 3, 0, 1)
    assert "/b.xml.gz: answered 503" in report.failed[0][1]


def test_robots_txt_is_respected(docs, site):
    site.pages["/robots.txt"] = Reply(
        b"User-agent: *\nDisallow: /*a/$\n\nUser-agent: groundtune\nDisallow: /delta\nCrawl-delay: 0.2",
        type="text/plain",
    )
    site.pages["/sitemap.xml"] = listed(site, "/brook", "/delta/", "/alpha/")
    site.pages["/alpha/"] = page("The alpha plan costs 1 euro.")
    began = time.monotonic()
    report = docs.ingest()
    assert time.monotonic() - began > 0.2
    assert report.ignored == ((f"{site.url}/delta/", "forbidden by robots.txt"),)
    assert "/delta/" not in site.paths
    site.pages["/robots.txt"] = Reply(b"User-agent: *\nDisallow: /*a/$", type="text/plain")
    assert docs.ingest().removed == 1
    site.pages["/robots.txt"] = Reply(status=503)
    assert numbers(docs.ingest()) == (0, 0, 2, 0, 1)


def test_pages_of_other_hosts_are_left_out_unless_they_are_named(docs, site):
    with Site() as other:
        other.pages["/x"] = page("The other plan costs 1 euro.")
        addresses = [f"{other.url}/x", "file:///etc/passwd", "http://169.254.169.254/latest"]
        site.pages["/sitemap.xml"] = listed(site, "/brook", *addresses)
        report = docs.ingest()
        assert [document for document, _ in report.ignored] == addresses
        assert docs.held() == [f"{site.url}/brook", "local.md"]
        assert not other.asked
        hosts = {"private_hosts": [site.host, other.host], "other_hosts": [other.host]}
        assert docs.write([f"{site.url}/sitemap.xml"], hosts).ingest().added == 1
        assert f"{other.url}/x" in docs.held()


def test_too_many_pages_are_refused_whole(docs, site):
    docs.ingest()
    docs.write([f"{site.url}/sitemap.xml"], {"private_hosts": [site.host], "most_pages": 1})
    report = docs.ingest()
    assert numbers(report) == (0, 0, 3, 0, 1)
    assert "lists more than 1 pages. Raise [knowledge.web] most_pages" in report.failed[0][1]


def test_a_site_that_goes_down_is_not_asked_for_every_page(docs, site):
    paths = [f"/{number}" for number in range(20)]
    for path in paths:
        site.pages[path] = page(f"Page {path[1:]}.")
    site.pages["/sitemap.xml"] = listed(site, *paths)
    docs.ingest()
    for path in paths:
        site.pages[path] = Reply(status=500)
    site.asked.clear()
    report = docs.ingest()
    assert len(site.asked) == 2 + 8
    assert report.removed == 0
    assert report.failed[-1][1].startswith("8 fetches in a row failed; 12 more were not tried.")
    assert len(docs.held()) == 21


def test_a_corner_of_a_site_that_fails_hides_no_other_page(docs, site):
    """A page that is forbidden says nothing of others, and those with errors are not all at the same place."""
    paths = [f"/{number}" for number in range(40)]
    for path in paths:
        site.pages[path] = page(f"Page {path[1:]}.")
    for path in paths[:15]:
        site.pages[path] = Reply(status=403)
    for path in paths[15:25]:
        site.pages[path] = Reply(status=500)
    site.pages["/sitemap.xml"] = listed(site, *paths)
    report = docs.ingest()
    assert len(report.failed) == 25
    assert report.sources[0].fetched == 15


def test_the_kind_of_a_page_is_what_the_site_says(docs, site):
    site.pages["/a.pdf"] = page("An error page.")
    site.pages["/notes"] = Reply(b"Notes cost 3 euros.", type="text/plain")
    site.pages["/table.csv"] = Reply(b"plan,price\nbrook,7\ndelta,9\n", type="application/octet-stream")
    site.pages["/x.zip"] = Reply(b"PK", type="application/zip")
    site.pages["/sitemap.xml"] = listed(site, "/a.pdf", "/notes", "/table.csv", "/x.zip")
    report = docs.ingest()
    assert [(document, reason[:26]) for document, reason in report.failed] == [
        (f"{site.url}/x.zip", "no reader for `.zip` files")
    ]
    assert "An error page" in docs.said(f"{site.url}/a.pdf")[0]
    assert "plan: brook\nprice: 7" in docs.said(f"{site.url}/table.csv")[0]


def test_the_encoding_in_the_header_goes_before_that_of_the_page(docs, site):
    text = "<meta charset=iso-8859-1><p>Żółty plan kosztuje 7 złotych, a większy dużo więcej.</p>"
    site.pages["/brook"] = Reply(text.encode("iso-8859-2"), type="text/html; charset=ISO-8859-2")
    docs.ingest()
    assert "Żółty plan kosztuje 7 złotych" in docs.said(f"{site.url}/brook")[0]


def test_who_may_read_a_site_and_its_metadata(docs, site):
    web = f'[knowledge.web]\nprivate_hosts = ["{site.host}"]\n'
    docs.toml(f'[knowledge]\nreadable_by = ["staff"]\nsources = ["{site.url}/sitemap.xml"]\n{web}')
    docs.ingest()
    assert docs.said(f"{site.url}/brook")[1] == ("staff",)
    table = (
        f'[[knowledge.sources]]\nurl = "{site.url}/sitemap.xml"\nreadable_by = ["hr"]\nmetadata = {{ area = "docs" }}\n'
    )
    docs.toml(table + web)
    assert docs.ingest().changed == 3
    assert docs.said(f"{site.url}/brook")[1:] == (("hr",), {"area": "docs", "title": "Docs"})


def test_a_rule_in_a_sitemap_is_none(docs, site):
    site.pages["/.meta.toml"] = Reply(b'readable_by = ["everyone"]', type="text/plain")
    site.pages["/sitemap.xml"] = listed(site, "/brook", "/.meta.toml", "/brook.meta.toml")
    report = docs.ingest()
    assert [reason for _, reason in report.ignored] == ["a rule, which only folders and buckets have"] * 2


def test_an_interrupted_run_goes_on(docs, site, monkeypatch):
    from groundtune.knowledge.sources.sitemap import SitemapSource

    made, fetched = SitemapSource.fetch, []

    def fetch(self, remote, known):
        if fetched:  # the second one, whichever it is: the order depends on the address
            raise KeyboardInterrupt
        fetched.append(remote)
        return made(self, remote, known)

    site.pages["/sitemap.xml"] = listed(site, "/brook", "/delta/", lastmod="2026-01-05")
    monkeypatch.setattr(SitemapSource, "fetch", fetch)
    with pytest.raises(KeyboardInterrupt):
        docs.ingest()
    monkeypatch.setattr(SitemapSource, "fetch", made)
    report = docs.ingest()
    assert (report.sources[0].fetched, report.sources[0].unchanged, report.added) == (1, 1, 3)


# --- what else knows documents ----------------------------------------------------------------------


def test_the_knowledge_base_has_sources_wherever_it_has_documents(docs, site):
    document = f"{site.url}/brook"
    everything = {document, f"{site.url}/delta/", "local.md"}
    with open_knowledge(docs.folder) as knowledge:
        assert numbers(knowledge.ingest()) == (3, 0, 0, 0, 0)
        site.asked.clear()
        assert knowledge.texts().keys() == everything
        assert {piece.document for piece in knowledge.passages(400)} == everything
        assert not site.asked, "copies are read"
        assert knowledge.retrieve([Search("What does the brook plan cost?")])[0][0].document == document
        assert numbers(knowledge.ingest([docs.folder / "documents"])) == (0, 0, 1, 0, 0)
        assert not site.asked, "with paths, sources are not looked at"
    with open_knowledge(docs.folder, {"knowledge.chunk_size": 200}) as knowledge:
        assert knowledge.rebuild().report.added == 3


def test_what_is_forgotten_is_erased_here_and_comes_back_with_the_next_ingest(docs, site):
    document = f"{site.url}/brook"
    with open_knowledge(docs.folder) as knowledge:
        knowledge.ingest()
        assert document in knowledge.sources
        knowledge.forget([document])
        assert document not in knowledge.sources
        assert document not in knowledge.documents_held()
        assert not list(docs.folder.rglob("brook.html"))
        assert numbers(knowledge.ingest()) == (1, 0, 2, 0, 0)

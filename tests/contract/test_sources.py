"""Sources: S3 as moto has it, and a site on this machine."""

import pytest
from _site import Reply, Site

from groundtune.knowledge.sources import open_source
from groundtune.knowledge.sources.sitemap import WebSettings
from groundtune.settings import KnowledgeSettings
from groundtune.testing.sources import SourceContract


class TestS3(SourceContract):
    @pytest.fixture(autouse=True)
    def bucket(self, monkeypatch, tmp_path):
        boto3, moto = pytest.importorskip("boto3"), pytest.importorskip("moto")
        for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
            monkeypatch.setenv(name, str(tmp_path / "none"))
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        with moto.mock_aws():
            self.objects = boto3.resource("s3").Bucket("company")
            self.objects.create()
            yield

    def make(self):
        return open_source("s3://company/plans/", KnowledgeSettings())

    def put(self, name, text):
        self.objects.put_object(Key=f"plans/{name}", Body=text.encode())
        return f"s3://company/plans/{name}"

    def delete(self, name):
        self.objects.Object(f"plans/{name}").delete()

    def break_(self):
        self.objects.objects.delete()
        self.objects.delete()


class TestSitemap(SourceContract):
    @pytest.fixture(autouse=True)
    def site(self):
        self.names = []
        with Site() as self.pages:
            self.write()
            yield

    def write(self):
        entries = "".join(f"<url><loc>{self.pages.url}/{name}</loc></url>" for name in self.names)
        self.pages.pages["/sitemap.xml"] = Reply(f"<urlset>{entries}</urlset>".encode(), type="text/xml")

    def make(self):
        web = WebSettings(private_hosts=[self.pages.host])
        return open_source(f"{self.pages.url}/sitemap.xml", KnowledgeSettings().with_parts({"web": web}))

    def put(self, name, text):
        self.names = [*dict.fromkeys([*self.names, name])]
        self.pages.pages[f"/{name}"] = Reply(text.encode(), type="text/plain", headers={"ETag": f'"{hash(text)}"'})
        self.write()
        return f"{self.pages.url}/{name}"

    def delete(self, name):
        self.names.remove(name)
        del self.pages.pages[f"/{name}"]
        self.write()

    def break_(self):
        self.pages.pages["/sitemap.xml"] = Reply(b"<html>Sign in</html>")

    def test_what_is_the_same_is_not_sent_again(self):
        document = self.put("brook.txt", "Brook costs 7 euros.")
        known = self.fetched(document).known
        assert self.make().fetch(self.listed()[document], known) is None

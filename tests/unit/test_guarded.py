"""The client that fetches what content names: it goes nowhere that it must not, and nothing keeps or fills it."""

import datetime
import gzip
import ssl
import time
import zlib

import httpcore
import pytest
from _site import Reply, Site

from groundtune.errors import AddressRefused, FetchFailed
from groundtune.http.addresses import Guard, forbidden, parsed
from groundtune.http.guarded import FetchLimits, GuardedClient, unzipped

PUBLIC = "93.184.215.14"


@pytest.fixture
def site():
    with Site() as made:
        yield made


@pytest.fixture
def inside():
    """A service on this machine that nobody outside may reach."""
    with Site() as made:
        made.pages["/secret"] = Reply(b"the keys")
        yield made


def client_of(*hosts, look_up=None, **limits):
    """A client for which these hosts are the company's own."""
    given = {} if look_up is None else {"look_up": look_up}
    return GuardedClient(Guard(private=hosts), FetchLimits(**limits), **given)


@pytest.fixture
def connections(monkeypatch):
    """The addresses to which connections were tried; none is made."""
    tried = []

    def refuse(self, host, port, *_):
        tried.append((host, port))
        raise httpcore.ConnectError("nobody is here")

    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", refuse)
    return tried


# --- which addresses -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    """169.254.169.254 169.254.170.2 168.63.129.16 100.100.100.200 192.0.0.192 127.0.0.1 127.8.9.1 0.0.0.0 10.0.0.7
    172.16.0.1 172.31.255.255 192.168.1.1 100.64.0.1 192.0.2.1 198.18.0.1 224.0.0.1 240.0.0.1 255.255.255.255
    :: ::1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::7f00:1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::1 2002:7f00:1::
    2001:0:1::1 2001:db8::1 fc00::1 fd00:ec2::254 fd20:ce::254 fe80::1 fec0::1 ff02::1""".split(),
)
def test_what_is_not_public_is_not_asked(address, connections):
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(AddressRefused) as refused:
        GuardedClient(Guard(), FetchLimits()).get(f"http://{host}/latest/meta-data/")
    assert address in str(refused.value).lower()
    assert not connections


@pytest.mark.parametrize("address", ["8.8.8.8", PUBLIC, "2606:4700::1111", "64:ff9b::808:808"])
def test_what_is_public_is(address, connections):
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(FetchFailed, match="nobody is here"):
        GuardedClient(Guard(), FetchLimits()).get(f"https://{host}/")
    assert connections == [(address, 443)]


@pytest.mark.parametrize("address", ["10.0.0.7", "127.0.0.1", "::1", "fd12::1", "100.64.0.1"])
def test_the_company_s_own_networks_are_allowed_by_name_of_the_host(address):
    assert forbidden(address)
    assert not forbidden(address, own=True)


@pytest.mark.parametrize("address", ["169.254.169.254", "fd00:ec2::254", "168.63.129.16", "0.0.0.0", "224.0.0.1"])
def test_where_clouds_keep_keys_is_allowed_by_no_name(address, connections):
    with pytest.raises(AddressRefused):
        client_of("wiki.internal", look_up=lambda host, port: [address]).get("http://wiki.internal/")
    assert not connections


@pytest.mark.parametrize(
    "url",
    [
        "http://2130706433/", "http://0x7f000001/", "http://0x7f.1/", "http://0177.0.0.1/", "http://127.1/",
        "http://0/", "http://127.0.0.1./", "http://127。0。0。1/", "http://①②⑦.⓪.⓪.①/", "http://[::1%25lo]/",
        "http://%31%32%37.0.0.1/", "http://localhost./", "http://ex ample.com/", "http://",
    ],
)  # fmt: skip
def test_odd_spellings_of_addresses_are_refused(url):
    with pytest.raises(AddressRefused):
        parsed(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://evil.example.com\\@127.0.0.1/", "http://evil.example.com@127.0.0.1/", "http://a:b@example.com/",
        "http://1.1.1.1 &@2.2.2.2# @3.3.3.3/", "http://foo@127.0.0.1:11211@example.com:80/",
        "http://example.com:80\\.evil.com/", "http://exa\tmple.com/", "http://example.com\r\nX: y/",
        "http:///example.com/", "http://[::1]@example.com/", "http://example.com:123456/", "http://[::1/",
    ],
)  # fmt: skip
def test_what_parsers_read_differently_is_refused(url):
    with pytest.raises(AddressRefused):
        parsed(url)


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://example.com/", "gopher://127.0.0.1:6379/_x", "data:,x", "//example.com/", ""]
)
def test_nothing_but_http_is_fetched(url):
    with pytest.raises(AddressRefused, match="Only http and https"):
        parsed(url)


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("HTTPS://Docs.Example.com:443/a?b=c#part", "https://docs.example.com/a?b=c"),
        ("https://bücher.example/x", "https://xn--bcher-kva.example/x"),
        ("https://xn--bcher-kva.example/x", "https://xn--bcher-kva.example/x"),
        ("http://a_b.example.com/a b", "http://a_b.example.com/a%20b"),
    ],
)
def test_usual_addresses_are_taken_in_one_spelling(url, same):
    assert str(parsed(url)) == same


def test_a_password_in_an_address_is_not_repeated():
    with pytest.raises(AddressRefused) as refused:
        parsed("https://ana:hunter2@example.com/")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("port", [22, 6379, 8080])
def test_other_ports_are_asked_only_if_they_are_named(port, connections):
    with pytest.raises(AddressRefused, match=f"names port {port}"):
        GuardedClient(Guard(), FetchLimits()).get(f"http://{PUBLIC}:{port}/")
    with pytest.raises(FetchFailed, match="nobody is here"):
        GuardedClient(Guard(public=[f"{PUBLIC}:{port}"]), FetchLimits()).get(f"http://{PUBLIC}:{port}/")
    assert connections == [(PUBLIC, port)]


def test_a_host_is_private_on_the_ports_that_are_named(site):
    named = GuardedClient(Guard(private=["127.0.0.1"], public=[site.host]), FetchLimits())
    with pytest.raises(AddressRefused, match="which is not public"):
        named.get(site.url)
    assert client_of(site.host).get(site.url).status == 404


# --- what a name leads to ---------------------------------------------------------------------------


def test_a_name_is_looked_up_once_and_the_connection_goes_there(connections):
    """DNS rebinding: a second look-up would give another address."""
    answers = iter([[PUBLIC], ["127.0.0.1"], ["169.254.169.254"]])
    with pytest.raises(FetchFailed, match="nobody is here"):
        GuardedClient(Guard(), FetchLimits(), lambda host, port: next(answers)).get("http://rebind.example.com/")
    assert connections == [(PUBLIC, 80)]


def test_a_name_that_leads_inside_is_refused(connections):
    with pytest.raises(AddressRefused, match=r"is at 10\.0\.0\.7, which is not public"):
        GuardedClient(Guard(), FetchLimits(), lambda host, port: [PUBLIC, "10.0.0.7"]).get("http://docs.example.com/")
    assert not connections


def test_a_name_is_checked_again_for_the_next_connection(site):
    answers = iter([["127.0.0.1"], ["169.254.169.254"]])
    site.pages["/"] = Reply(status=302, headers={"Location": "/next"})
    name = f"docs.example.com:{site.port}"
    with pytest.raises(AddressRefused, match=r"169\.254\.169\.254"):
        client_of(name, look_up=lambda host, port: next(answers)).get(f"http://{name}/")
    assert site.paths == ["/"]


def test_the_other_addresses_of_a_name_are_tried_and_the_site_hears_its_name(site):
    site.pages["/"] = Reply(b"hello")
    name = f"docs.example.com:{site.port}"
    reply = client_of(name, look_up=lambda host, port: ["::1", "127.0.0.1"]).get(f"http://{name}/")
    assert reply.body == b"hello"
    assert site.asked[0][1]["Host"] == name


def test_proxies_of_the_environment_are_not_used(site, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    site.pages["/"] = Reply(b"hello")
    assert client_of(site.host).get(site.url).body == b"hello"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A file with a certificate for docs.example.com, which is its own authority, and its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "docs.example.com")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("docs.example.com")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return path


def test_the_certificate_is_checked_against_the_name_and_not_the_address(authority, monkeypatch):
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(authority)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    with Site(server) as site:
        site.pages["/"] = Reply(b"hello")
        names = [f"{host}.example.com:{site.port}" for host in ("docs", "other")]
        client = client_of(*names, look_up=lambda host, port: ["127.0.0.1"])
        assert client.get(f"https://{names[0]}/").body == b"hello"
        with pytest.raises(FetchFailed, match="CERTIFICATE_VERIFY_FAILED"):
            client.get(f"https://{names[1]}/")


# --- redirects --------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_inside_is_refused(site, inside, status):
    site.pages["/"] = Reply(status=status, headers={"Location": f"{inside.url}/secret"})
    with pytest.raises(AddressRefused):
        client_of(site.host).get(site.url)
    assert not inside.asked


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/", "http://[::ffff:127.0.0.1]/", "http://2130706433/", "file:///etc/passwd",
        "//127.0.0.1:6379/", "http://a@127.0.0.1/", "http://[::1/", "http://localhost/",
    ],
)  # fmt: skip
def test_every_hop_is_checked(site, target):
    site.pages["/"] = Reply(status=302, headers={"Location": "/second"})
    site.pages["/second"] = Reply(status=302, headers={"Location": target})
    with pytest.raises(AddressRefused):
        client_of(site.host).get(site.url)
    assert site.paths == ["/", "/second"]


def test_redirects_are_followed_so_many_times(site):
    for hop in range(6):
        site.pages[f"/{hop}"] = Reply(status=302, headers={"Location": f"/{hop + 1}"})
    site.pages["/6"] = Reply(b"here")
    reply = client_of(site.host).get(f"{site.url}/1")
    assert (reply.body, str(reply.url)) == (b"here", f"{site.url}/6")
    with pytest.raises(FetchFailed, match="redirected more than 5 times"):
        client_of(site.host).get(f"{site.url}/0")


def test_no_redirect_takes_the_encryption_away(authority, monkeypatch, inside):
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(authority)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    with Site(server) as site:
        site.pages["/"] = Reply(status=302, headers={"Location": f"{inside.url}/secret"})
        name = f"docs.example.com:{site.port}"
        with pytest.raises(AddressRefused, match="without encryption"):
            client_of(name, inside.host, look_up=lambda host, port: ["127.0.0.1"]).get(f"https://{name}/")
    assert not inside.asked


def test_other_hosts_than_those_that_are_named_are_not_asked(site, inside):
    both = client_of(site.host, inside.host)
    site.pages["/"] = Reply(status=302, headers={"Location": f"{inside.url}/secret"})
    assert both.get(site.url).body == b"the keys"
    inside.asked.clear()
    with pytest.raises(AddressRefused, match="is on another host"):
        both.get(site.url, hosts={site.host})
    assert not inside.asked


# --- sizes, times, kinds ----------------------------------------------------------------------------


def test_what_is_too_large_is_not_taken(site):
    site.pages["/"] = Reply(b"x" * 300_000)
    assert len(client_of(site.host, megabytes=0.3).get(site.url).body) == 300_000
    with pytest.raises(FetchFailed, match=r"larger than 0\.2 MB"):
        client_of(site.host, megabytes=0.2).get(site.url)


@pytest.mark.parametrize(("encoding", "packed"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_a_bomb_is_counted_as_it_unpacks(site, encoding, packed):
    site.pages["/"] = Reply(packed(b"\0" * 50_000_000), headers={"Content-Encoding": encoding})
    assert len(site.pages["/"].body) < 60_000
    with pytest.raises(FetchFailed, match="larger than 1 MB"):
        client_of(site.host, megabytes=1).get(site.url)


@pytest.mark.parametrize("encoding", ["gzip, gzip", "br", "zstd", "compress"])
def test_compression_that_was_not_asked_for_is_refused(site, encoding):
    site.pages["/"] = Reply(b"x", headers={"Content-Encoding": encoding})
    with pytest.raises(FetchFailed, match="was not asked for"):
        client_of(site.host).get(site.url)


@pytest.mark.parametrize("body", [gzip.compress(b"x" * 1000)[:-9], b"no gzip at all"], ids=["cut", "not gzip"])
def test_broken_compression_is_an_error(site, body):
    site.pages["/"] = Reply(body, headers={"Content-Encoding": "gzip"})
    with pytest.raises(FetchFailed, match="cannot be decompressed"):
        client_of(site.host).get(site.url)


def test_members_of_a_gzip_file_are_all_unpacked():
    assert unzipped([gzip.compress(b"one, ") + gzip.compress(b"two")], 100) == b"one, two"


def drip(handler):
    for _ in range(100):
        handler.wfile.write(b"x")
        handler.wfile.flush()
        time.sleep(0.05)


def drip_headers(handler):
    handler.wfile.flush()
    for number in range(100):
        handler.wfile.write(f"X-{number}: y\r\n".encode())
        handler.wfile.flush()
        time.sleep(0.05)


@pytest.mark.parametrize("write", [drip, lambda handler: time.sleep(2)], ids=["drip", "silence"])
def test_a_slow_page_is_given_up_when_the_time_is_over(site, write):
    site.pages["/"] = Reply(write=write)
    began = time.monotonic()
    with pytest.raises(FetchFailed, match=r"did not reply within 0\.3 seconds"):
        client_of(site.host, seconds=0.3).get(site.url)
    assert time.monotonic() - began < 1.5


def test_headers_that_never_end_are_given_up_too(site, monkeypatch):
    site.pages["/"] = Reply(write=drip_headers)
    monkeypatch.setattr("http.server.BaseHTTPRequestHandler.end_headers", lambda self: self.flush_headers())
    began = time.monotonic()
    with pytest.raises(FetchFailed, match=r"did not reply within 0\.3 seconds"):
        client_of(site.host, seconds=0.3).get(site.url)
    assert time.monotonic() - began < 1.5


def test_only_the_kinds_that_are_asked_for(site):
    site.pages["/"] = Reply(b"<p>", type="text/html; charset=iso-8859-1")
    reply = client_of(site.host).get(site.url, types=["text/html"])
    assert (reply.type, reply.charset) == ("text/html", "iso-8859-1")
    with pytest.raises(FetchFailed, match="is `text/html`, not application/json"):
        client_of(site.host).get(site.url, types=["application/json"])


def test_a_status_is_a_reply_without_its_body(site):
    site.pages["/"] = Reply(b"x" * 1_000_000, status=503)
    reply = client_of(site.host, megabytes=0.1).get(site.url)
    assert (reply.status, reply.body) == (503, b"")


def test_no_cookie_and_no_credentials_are_sent(site, monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login ana password hunter2\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    site.pages["/"] = Reply(status=302, headers={"Location": "/next", "Set-Cookie": "a=b"})
    client_of(site.host).get(site.url)
    assert site.paths == ["/", "/next"]
    assert not any(name in headers for _, headers in site.asked for name in ("Cookie", "Authorization"))
    assert site.asked[0][1]["User-Agent"] == "groundtune"


def test_who_is_not_there_is_said():
    with Site() as gone:
        pass
    with pytest.raises(FetchFailed, match="cannot be reached"):
        client_of(gone.host).get(gone.url)
    with pytest.raises(FetchFailed, match="cannot be reached"):
        GuardedClient(Guard(), FetchLimits(), lambda host, port: []).get("http://docs.example.com/")

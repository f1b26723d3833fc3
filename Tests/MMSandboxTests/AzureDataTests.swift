import MMCore
import MMHTTP
import Testing

@testable import MMSandbox

@Suite("Vaults and storage accounts of the sandbox")
struct AzureDataTests {
    private static let vault = "kvweb.vault.azure.net"
    private static let account = "saweb.blob.core.windows.net"

    private static func asked(
        _ bench: Bench, _ host: String, _ method: String, _ path: String, scope: String? = nil,
        headers more: [String: String] = [:], body: JSONValue? = nil,
        as account: String = TenantIdentity.administrator
    ) async -> HTTPServerResponse {
        let audience = host.hasSuffix("vault.azure.net") ? "https://vault.azure.net" : "https://storage.azure.com"
        let token = await bench.token(account, scope: "\(scope ?? audience)/.default")
        var headers = ["Authorization": "Bearer \(token)", "X-Forwarded-Host": host, "x-ms-version": "2021-08-06"]
        headers.merge(more) { $1 }
        return await bench.send(method, path, headers: headers, body: body)
    }

    @Test("a vault lists names, and tells a value by the secret's own address alone")
    func secrets() async {
        let bench = Bench()
        let list = await Self.asked(bench, Self.vault, "GET", "/secrets?api-version=7.4")
        let rows = list.json["value"]?.array ?? []
        #expect(list.status == 200 && rows.count == 3 && rows.allSatisfy { $0["value"] == nil }, "\(list.json)")
        #expect(rows.first?["id"] == "https://kvweb.vault.azure.net/secrets/smtp-relay")
        let one = await Self.asked(bench, Self.vault, "GET", "/secrets/SMTP-relay?api-version=7.4")
        #expect(one.json["value"] == "sandbox~kvweb~smtp-relay", "\(one.json)")
        let version = one.json["id"]?.string?.split(separator: "/").last ?? ""
        let again = await Self.asked(bench, Self.vault, "GET", "/secrets/smtp-relay/\(version)?api-version=7.4")
        #expect(again.json == one.json)
        let missing = await Self.asked(bench, Self.vault, "GET", "/secrets/none?api-version=7.4")
        #expect(missing.status == 404 && missing.errorCode == "SecretNotFound")
    }

    @Test("what is put into a vault is there, in as many versions, and goes")
    func changed() async {
        let bench = Bench()
        for value in ["one", "two"] {
            let put = await Self.asked(
                bench, Self.vault, "PUT", "/secrets/new?api-version=7.4", body: ["value": .string(value)])
            #expect(put.status == 200 && put.json["value"]?.string == value)
        }
        let versions = await Self.asked(bench, Self.vault, "GET", "/secrets/new/versions?api-version=7.4")
        #expect(versions.json["value"]?.array?.count == 2)
        #expect(await Self.asked(bench, Self.vault, "DELETE", "/secrets/new?api-version=7.4").status == 200)
        #expect(await Self.asked(bench, Self.vault, "GET", "/secrets/new?api-version=7.4").status == 404)
        let deleted = await Self.asked(bench, Self.vault, "GET", "/deletedsecrets?api-version=7.4")
        #expect(deleted.json["value"]?.array?.count == 1)
    }

    @Test("what is noted about a secret stays with its version, and a disabled one doesn't tell its value")
    func notedSecrets() async {
        let bench = Bench()
        func asked(_ method: String, _ path: String, _ body: JSONValue? = nil) async -> HTTPServerResponse {
            await Self.asked(bench, Self.vault, method, "\(path)?api-version=7.4", body: body)
        }
        let put = await asked(
            "PUT", "/secrets/new",
            ["value": "v", "contentType": "text/plain", "tags": ["team": "a"], "attributes": ["exp": 2_000_000_000]])
        #expect(put.json["tags"] == ["team": "a"] && put.json["attributes"]?["exp"] == 2_000_000_000)
        // A client that changes the latest version leaves an empty segment in its place.
        let changed = await asked("PATCH", "/secrets/new/", ["attributes": ["enabled": false]])
        #expect(changed.status == 200 && changed.json["value"] == nil && changed.json["tags"] == ["team": "a"])
        #expect(changed.json["id"] == put.json["id"] && changed.json["contentType"] == "text/plain")
        let read = await asked("GET", "/secrets/new")
        #expect(read.status == 403 && read.json["error"]?["innererror"]?["code"] == "SecretDisabled")
        #expect(await asked("PATCH", "/secrets/none", [:]).errorCode == "SecretNotFound")
        #expect(await asked("PATCH", "/secrets/new/0", [:]).errorCode == "SecretNotFound")
    }

    @Test("a deleted secret keeps its name, and is recovered with its versions or removed for good")
    func deletedSecrets() async {
        let bench = Bench()
        func asked(_ method: String, _ path: String, _ body: JSONValue? = nil) async -> HTTPServerResponse {
            await Self.asked(bench, Self.vault, method, "\(path)?api-version=7.4", body: body)
        }
        let secret = "/secrets/smtp-relay"
        _ = await asked("PUT", secret, ["value": "two"])
        let deleted = await asked("DELETE", secret)
        #expect(deleted.json["recoveryId"] == "https://kvweb.vault.azure.net/deletedsecrets/smtp-relay")
        #expect(await asked("GET", "/deletedsecrets/SMTP-relay").json == deleted.json)
        #expect(await asked("PUT", secret, ["value": "three"]).errorCode == "Conflict")
        #expect(await asked("POST", "/deletedsecrets/smtp-relay/recover").status == 200)
        #expect(await asked("GET", secret).json["value"] == "two")
        #expect(await asked("GET", "\(secret)/versions").json["value"]?.array?.count == 2)
        _ = await asked("DELETE", secret)
        #expect(await asked("DELETE", "/deletedsecrets/smtp-relay").status == 204)
        #expect(await asked("GET", "/deletedsecrets/smtp-relay").errorCode == "SecretNotFound")
        #expect(await asked("PUT", secret, ["value": "three"]).status == 200)
    }

    @Test("an account lists containers and blobs, whole, by prefix and by folder, and gives pieces of them")
    func blobs() async {
        let bench = Bench()
        func text(_ path: String, _ more: [String: String] = [:]) async -> String {
            String(decoding: await Self.asked(bench, Self.account, "GET", path, headers: more).bytes, as: UTF8.self)
        }
        #expect(await text("/?comp=list").contains("<Name>reports</Name>"))
        #expect(await text("/logs?restype=container&comp=list").contains("<Name>2026/02/app.log</Name>"))
        let folders = await text("/logs?restype=container&comp=list&delimiter=/")
        #expect(folders.contains("<BlobPrefix><Name>2026/</Name>") && !folders.contains("app.log"))
        #expect(await text("/reports/licences.csv").hasPrefix("sku,used,free"))
        #expect(await text("/reports/licences.csv", ["x-ms-range": "bytes=4-7"]) == "used")
        #expect(await text("/reports/none").contains("<Code>BlobNotFound</Code>"))
    }

    @Test("what is written to an account is there, and goes")
    func written() async {
        let bench = Bench()
        #expect(await Self.asked(bench, Self.account, "PUT", "/new?restype=container").status == 201)
        let put = await Self.asked(
            bench, Self.account, "PUT", "/new/a/b.json", headers: ["x-ms-blob-type": "BlockBlob"], body: ["a": 1])
        #expect(put.status == 201)
        #expect(await Self.asked(bench, Self.account, "GET", "/new/a/b.json").json == ["a": 1])
        #expect(await Self.asked(bench, Self.account, "DELETE", "/new/a/b.json").status == 202)
        #expect(await Self.asked(bench, Self.account, "DELETE", "/new?restype=container").status == 202)
        #expect(await Self.asked(bench, Self.account, "GET", "/new/a/b.json").status == 404)
    }

    @Test(
        "a blob is read and written only on the conditions of the request",
        arguments: [
            ("PUT", "If-None-Match", "*", 409), ("PUT", "If-None-Match", "TAG", 412), ("PUT", "If-Match", "TAG", 201),
            ("PUT", "If-Match", "\"0x1\"", 412), ("DELETE", "If-Match", "\"0x1\"", 412),
            ("DELETE", "If-Match", "*", 202), ("GET", "If-None-Match", "TAG", 304), ("GET", "If-Match", "TAG", 200),
            ("GET", "If-Match", "\"0x1\"", 412),
        ])
    func conditions(method: String, condition: String, value: String, status: Int) async {
        let bench = Bench()
        let blob = "/reports/licences.csv"
        let tag = await Self.asked(bench, Self.account, "HEAD", blob).headers["etag"] ?? ""
        let answer = await Self.asked(
            bench, Self.account, method, blob,
            headers: [condition: value == "TAG" ? tag : value, "x-ms-blob-type": "BlockBlob"])
        #expect(answer.status == status)
        let after = await Self.asked(bench, Self.account, "HEAD", blob)
        #expect(after.headers["etag"] == (status == 201 ? answer.headers["etag"] : status == 202 ? nil : tag))
        #expect(status != 201 || answer.headers["etag"] != tag)
    }

    @Test("a new blob may require that there is none yet, and one that must be there isn't made")
    func newBlob() async {
        let bench = Bench()
        for (condition, status) in [("If-Match", 412), ("If-None-Match", 201), ("If-None-Match", 409)] {
            let answer = await Self.asked(
                bench, Self.account, "PUT", "/logs/new", headers: [condition: "*", "x-ms-blob-type": "BlockBlob"])
            #expect(answer.status == status, "\(condition)")
        }
    }

    @Test("what a client notes about a blob is told with it, and replaced as a whole")
    func notes() async {
        let bench = Bench()
        let headers = ["x-ms-blob-type": "BlockBlob", "x-ms-meta-owner": "kim", "x-ms-meta-use": "a & b"]
        _ = await Self.asked(bench, Self.account, "PUT", "/logs/new", headers: headers, body: "text")
        let read = await Self.asked(bench, Self.account, "HEAD", "/logs/new")
        #expect(read.headers["x-ms-meta-owner"] == "kim" && read.headers["x-ms-meta-use"] == "a & b")
        let list = "/logs?restype=container&comp=list"
        let shown = await Self.asked(bench, Self.account, "GET", "\(list)&include=metadata").text
        #expect(shown.contains("<use>a &amp; b</use>"))
        #expect(await !Self.asked(bench, Self.account, "GET", list).text.contains("<Metadata>"))
        let changed = await Self.asked(
            bench, Self.account, "PUT", "/logs/new?comp=metadata", headers: ["x-ms-meta-owner": "lee"])
        #expect(changed.status == 200 && changed.headers["etag"] != read.headers["etag"])
        let after = await Self.asked(bench, Self.account, "GET", "/logs/new")
        #expect(after.headers["x-ms-meta-owner"] == "lee" && after.headers["x-ms-meta-use"] == nil)
        #expect(after.json == "text")
    }

    @Test(
        "a range of bytes is a part of what is there, or the whole if it can't be read",
        arguments: [
            ("bytes=0-3", ByteRange.part(0...3)), ("bytes=6-99", .part(6...9)), ("bytes=6-", .part(6...9)),
            ("bytes=-4", .part(6...9)), ("bytes=-99", .part(0...9)), ("bytes=10-", .outside), ("bytes=-0", .outside),
            ("bytes=4-2", .whole), ("bytes=0-1,4-5", .whole), ("items=0-3", .whole), ("", .whole),
        ])
    func ranges(header: String, range: ByteRange) {
        #expect(ByteRange(header, of: 10) == range)
    }

    @Test(
        "tokens of other services are refused with a challenge that names the right ones",
        arguments: [
            (vault, "/secrets?api-version=7.4", "resource=\"https://vault.azure.net\""),
            (account, "/?comp=list", "resource_id=https://storage.azure.com"),
        ])
    func challenged(host: String, path: String, words: String) async {
        let bench = Bench()
        let answer = await Self.asked(bench, host, "GET", path, scope: "https://management.azure.com")
        #expect(answer.status == 401 && answer.headers["www-authenticate"]?.contains(words) == true)
        let bare = await bench.send("GET", path, headers: ["X-Forwarded-Host": host])
        #expect(bare.status == 401 && bare.headers["www-authenticate"]?.contains(words) == true)
    }

    @Test("a vault that the subscription doesn't have, and a service that isn't here, are told")
    func absent() async {
        let bench = Bench()
        let vault = await Self.asked(bench, "elsewhere.vault.azure.net", "GET", "/secrets?api-version=7.4")
        #expect(vault.status == 404)
        let queue = await Self.asked(bench, "saweb.queue.core.windows.net", "GET", "/?comp=list")
        #expect(
            queue.status == 501 && queue.json["error"]?["message"]?.string?.contains("the real service does") == true)
    }

    @Test("a blob is made of blocks in the order of a list, and of those that are there alone")
    func blocks() async {
        let bench = Bench()
        func put(_ query: String, _ text: String) async -> Int {
            let token = await bench.token(scope: "https://storage.azure.com/.default")
            let request = HTTPServerRequest(
                method: "PUT", target: "/logs/joined.txt?\(query)",
                headers: [
                    "Authorization": "Bearer \(token)", "X-Forwarded-Host": Self.account,
                    "x-ms-version": "2021-08-06",
                ], body: Array(text.utf8))
            return await bench.tenant.answer(request).status
        }
        for (id, text) in [("MQ==", "one "), ("Mg==", "two "), ("Mw==", "left out")] {
            #expect(await put("comp=block&blockid=\(id)", text) == 201)
        }
        let list = "<?xml version=\"1.0\"?><BlockList><Latest>Mg==</Latest><Latest>MQ==</Latest></BlockList>"
        #expect(await put("comp=blocklist", list) == 201)
        #expect(await put("comp=blocklist", list) == 400)
        let read = await Self.asked(bench, Self.account, "GET", "/logs/joined.txt")
        #expect(read.status == 200 && String(decoding: read.bytes, as: UTF8.self) == "two one ")
    }

    @Test("data needs a role of its own, which a reader of the subscription doesn't have")
    func roles() async {
        let bench = Bench(users: 30)
        let reader = "rita.reader@contoso-sandbox.example"
        let secret = "/secrets/smtp-relay?api-version=7.4"
        let refused = await Self.asked(bench, Self.vault, "GET", secret, as: reader)
        #expect(refused.status == 403 && refused.json["error"]?["innererror"]?["code"] == "ForbiddenByRbac")
        let blobs = await Self.asked(bench, Self.account, "GET", "/?comp=list", as: reader)
        #expect(blobs.status == 403 && blobs.headers["x-ms-error-code"] == "AuthorizationPermissionMismatch")

        let arm = await bench.token(scope: "https://management.azure.com/.default")
        let id = await bench.inside { $0.store.user(reader)?.id ?? "" }
        let roles = "\(AzureContent.root)/providers/Microsoft.Authorization"
        let role = "\(roles)/roleDefinitions/4633458b-17de-408a-b874-0445c86b69e6"
        let made = await bench.graph(
            "PUT", "\(roles)/roleAssignments/5a4db0c5-a551-4000-8000-00000000b009?api-version=2022-04-01", token: arm,
            body: ["properties": ["roleDefinitionId": .string(role), "principalId": .string(id)]])
        #expect(made.status == 201, "\(made.text)")
        #expect(await Self.asked(bench, Self.vault, "GET", secret, as: reader).status == 200)
        #expect(await Self.asked(bench, Self.vault, "GET", "/secrets?api-version=7.4", as: reader).status == 200)
        let put = await Self.asked(
            bench, Self.vault, "PUT", "/secrets/new?api-version=7.4", body: ["value": "x"], as: reader)
        #expect(put.status == 403)
    }
}

import MMCore
import MMHTTP
import MMIdentity
import TestSupport
import Testing

@testable import MMEgress

@Suite(
    "Requests of a session", .timeLimit(.minutes(5)),
    .enabled(if: Curl.path != nil, "needs curl (apt-get install curl)"))
struct SessionRequestsTests {
    @Test("a service gets the real token and the client its answer; the record has the request")
    func passes() async throws {
        let upstream = try Upstream { _ in
            HTTPServerResponse(
                headers: ["request-id": "abc-1", "Content-Type": "application/json"],
                body: .bytes(Array("{\"ok\":1}".utf8)))
        }
        let wire = try await TestWire(upstream: upstream.port)
        let placeholder = try wire.placeholder()
        let answer = try await Curl.run(
            wire,
            [
                "-H", "Authorization: Bearer \(placeholder)",
                "https://graph.microsoft.com/v1.0/users/anna@contoso.com?$select=id",
            ])
        #expect(answer.text == "{\"ok\":1}" && answer.status == "200")
        let request = try #require(upstream.received.first)
        #expect(request.headers["authorization"] == "Bearer real-token-of-admin@contoso.com-for-graph.microsoft.com")
        #expect(request.headers["x-meant-for"] == "graph.microsoft.com")
        #expect(request.target == "/v1.0/users/anna@contoso.com?$select=id")
        #expect(!request.headers.contains("proxy-authorization") && !request.headers.contains("proxy-connection"))
        let judged = try #require(wire.judge.judged.first)
        #expect(judged.url == "https://graph.microsoft.com/v1.0/users/anna@contoso.com?$select=id")
        #expect(judged.account == "admin@contoso.com" && !judged.headers.contains("authorization"))
        let record = try #require(await wire.records(1).first)
        #expect(record.pathTemplate == "/v1.0/users/{name}" && record.host == "graph.microsoft.com")
        #expect(record.status == 200 && record.requestClass == "read" && record.requestID == "abc-1")
        #expect(record.bytesDown == 8 && record.wasSent && record.fault == nil)
        await wire.session.close()
        await upstream.stop()
    }

    @Test(
        "two slashes after Graph's version, which its Python client writes, are judged and sent as one",
        arguments: [
            ("/v1.0//users?$filter=a//b", "/v1.0/users?$filter=a//b"), ("/beta///users", "/beta/users"),
            ("/v1.0/users//x", "/v1.0/users//x"), ("//users", "//users"), ("/v1.0?a//b", "/v1.0?a//b"),
            ("/v1.0//", "/v1.0/"),
        ])
    func slashes(written: String, sent: String) async throws {
        let upstream = try Upstream()
        let wire = try await TestWire(upstream: upstream.port)
        _ = try await Curl.run(
            wire, ["--path-as-is", "-X", "PATCH", "-d", "{}", "https://graph.microsoft.com\(written)"])
        #expect(wire.judge.judged.first?.target == sent && upstream.received.first?.target == sent)
        _ = try await Curl.run(wire, ["-X", "PUT", "-d", "{}", "https://management.azure.com/v1.0//users"])
        #expect(upstream.received.last?.target == "/v1.0//users")
        await wire.session.close()
        await upstream.stop()
    }

    @Test("the record of a deployment has what its template creates, but no value of a parameter")
    func deployments() async throws {
        let upstream = try Upstream()
        let wire = try await TestWire(upstream: upstream.port)
        let group = "https://management.azure.com/subscriptions/s/resourceGroups/g/providers"
        let template =
            #"{"resources":[{"type":"Microsoft.Storage/storageAccounts","name":"a","resources":[{"type":"blobServices","name":"b"}]}]}"#
        let sent = [
            (
                "Microsoft.Resources/deployments/d",
                #"{"properties":{"template":\#(template),"parameters":{"pw":{"value":"Sup3r"}}}}"#
            ),
            (
                "Microsoft.resources%2FDeployments/d",
                #"{"properties":{"templateLink":{"uri":"https://x.example/t?sig=Sup3r"}}}"#
            ),
            ("Microsoft.Resources/tags/default", #"{"properties":{"template":\#(template)}}"#),
        ]
        for (path, body) in sent {
            _ = try await Curl.run(wire, ["-X", "PUT", "-d", body, "\(group)/\(path)?api-version=2021-04-01"])
        }
        let items = sent.map { path, body in
            #"{"HttpMethod":"PUT","url":"\#(group)/\#(path)?api-version=2021-04-01","content":\#(body)}"#
        }
        let batch =
            #"{"requests":[{"httpMethod":"GET","relativeUrl":"/subscriptions"},\#(items.joined(separator: ","))]}"#
        _ = try await Curl.run(wire, ["-d", batch, "https://management.azure.com/batch?api-version=2020-06-01"])
        let records = await wire.records(4)
        let found = records.map { DeployedTemplate.json(of: $0.templates) }
        #expect(found.last??.array == found.prefix(2).compactMap(\.self))
        #expect(found.first??["resources"] == ["Microsoft.Storage/storageAccounts a", "blobServices b"])
        #expect(found.first??["sha256"]?.string == Hex.text(SHA256.digest(Array(template.utf8))))
        #expect(found[1]?["link"] == "https://x.example/t" && found[2] == nil)
        #expect(!found.contains { $0.map { JSONWriter.string($0) }?.contains("Sup3r") == true })
        await wire.session.close()
        await upstream.stop()
    }

    @Test(
        "a request that may not be sent any more reaches nobody; whether this is checked depends on the judge's class")
    func permit() async throws {
        let upstream = try Upstream()
        let asked = Mutex<[String]>([])
        let wire = try await TestWire(upstream: upstream.port) { configuration in
            configuration.permit = { name in
                asked.withLock { $0.append(name) }
                return name == "read" ? nil : SendPermit { "the lease is over" }
            }
        }
        wire.judge.say { .allow(class: $0.method == "GET" ? "read" : "write") }
        let read = try await Curl.run(wire, ["https://graph.microsoft.com/v1.0/me"])
        #expect(read.status == "200")
        let written = try await Curl.run(wire, ["-d", "{}", "https://graph.microsoft.com/v1.0/me/messages"])
        #expect(written.status == "502" && written.text.contains("the lease is over"), "\(written)")
        #expect(upstream.received.map(\.method) == ["GET"] && asked.withLock { $0 } == ["read", "write"])
        let record = try #require(await wire.records(2).last)
        #expect(record.method == "POST" && !record.wasSent)
        await wire.session.close()
        await upstream.stop()
    }

    @Test(
        "Azure Storage's clients read a refusal in XML, those of its tables and data lakes in JSON",
        arguments: [("blob", true), ("queue", true), ("file", true), ("table", false), ("dfs", false)])
    func storageRefusal(kind: String, isXML: Bool) async throws {
        let upstream = try Upstream()
        let wire = try await TestWire(upstream: upstream.port)
        wire.judge.say { _ in
            .refuse(class: "external", RequestRefusal(code: "not_granted", message: "PUT /a?b=1&c=<2> was not sent."))
        }
        let answer = try await Curl.run(wire, ["-X", "PUT", "-i", "https://saweb.\(kind).core.windows.net/a?b=1&c=2"])
        #expect(answer.status == "403" && upstream.received.isEmpty)
        #expect(answer.text.contains("x-ms-error-code: AuthorizationPermissionMismatch") == isXML, "\(answer)")
        let message = "<Message>Microsoft Master: PUT /a?b=1&amp;c=&lt;2&gt; was not sent.</Message>"
        #expect(answer.text.contains(message) == isXML && answer.text.contains("\"error\":{") == !isXML, "\(answer)")
        await wire.session.close()
        await upstream.stop()
    }

    @Test("a refused request is answered in the service's form and never sent")
    func refused() async throws {
        let upstream = try Upstream()
        let wire = try await TestWire(upstream: upstream.port)
        wire.judge.say { _ in
            .refuse(class: "destructive", RequestRefusal(code: "graph.delete", message: "Not granted."))
        }
        let answer = try await Curl.run(wire, ["-X", "DELETE", "https://graph.microsoft.com/v1.0/users/1"])
        #expect(answer.status == "403")
        #expect(answer.text.contains("Authorization_RequestDenied") && answer.text.contains("graph.delete"))
        #expect(upstream.received.isEmpty)
        let record = try #require(await wire.records(1).first)
        #expect(record.fault == "refused" && !record.wasSent)
        await wire.session.close()
        await upstream.stop()
    }

    @Test("the PowerShell Gallery can be read, but nothing is sent to it")
    func gallery() async throws {
        let upstream = try Upstream()
        let wire = try await TestWire(upstream: upstream.port)
        let url = "https://www.powershellgallery.com/api/v2/package"
        #expect(try await Curl.run(wire, [url]).status == "200")
        #expect(try await Curl.run(wire, ["-T", "-", url], input: [1]).status == "403")
        #expect(upstream.received.map(\.method) == ["GET"])
        await wire.session.close()
        await upstream.stop()
    }

    @Test("a request waits until a person has decided", arguments: [true, false])
    func held(_ yes: Bool) async throws {
        let upstream = try Upstream()
        let wire = try await TestWire(upstream: upstream.port)
        wire.judge.say { _ in
            .hold(class: "write") { yes ? nil : RequestRefusal(code: "declined", message: "The person said no.") }
        }
        let answer = try await Curl.run(wire, ["-d", "{\"a\":1}", "https://management.azure.com/subscriptions/x"])
        #expect(answer.status == (yes ? "200" : "403"))
        #expect(upstream.received.map { String(decoding: $0.body, as: UTF8.self) } == (yes ? ["{\"a\":1}"] : []))
        #expect(wire.happened.contains { if case .held = $0 { true } else { false } })
        await wire.session.close()
        await upstream.stop()
    }

    @Test("a client that leaves during the question cancels its request")
    func leaves() async throws {
        let upstream = try Upstream()
        let wire = try await TestWire(upstream: upstream.port)
        let cancelled = Mutex(false)
        wire.judge.say { _ in
            .hold(class: "write") {
                try? await Task.sleep(for: .seconds(600))
                cancelled.withLock { $0 = Task.isCancelled }
                return nil
            }
        }
        let client = Task {
            try await Curl.run(wire, ["-d", "x", "https://graph.microsoft.com/v1.0/me/sendMail"])
        }
        #expect(await eventually { wire.happened.contains { if case .held = $0 { true } else { false } } })
        client.cancel()
        #expect(await eventually { !wire.records.isEmpty && cancelled.withLock { $0 } })
        #expect(upstream.received.isEmpty)
        #expect(wire.records.first?.status == 0 && wire.records.first?.fault == "client_gone")
        await wire.session.close()
        await upstream.stop()
    }

    @Test(
        "a placeholder for another host, a real token, and another kind of credential aren't sent",
        arguments: ["other", "real", "basic", "query", "header", "added", "body"])
    func credentials(_ kind: String) async throws {
        let upstream = try Upstream()
        let wire = try await TestWire(upstream: upstream.port, allow: ["api.contoso.com"])
        let placeholder = try wire.placeholder()
        let graph = "https://graph.microsoft.com/v1.0/me"
        let arguments =
            switch kind {
            case "other": ["-H", "Authorization: Bearer \(placeholder)", "https://management.azure.com/subscriptions"]
            case "real":
                ["-H", "Authorization: Bearer \(TestToken.access(audience: "https://graph.microsoft.com"))", graph]
            case "basic": ["-u", "me:secret", graph]
            case "query": [graph + "?t=" + placeholder]
            case "header": ["-H", "X-Copy: \(placeholder)", graph]
            case "body": ["-d", "{\"t\":\"\(placeholder)\"}", "https://api.contoso.com/collect"]
            default: ["-H", "Authorization: Bearer \(placeholder)", "https://api.contoso.com/collect"]
            }
        let answer = try await Curl.run(wire, arguments)
        #expect(answer.status == "403")
        #expect(upstream.received.isEmpty && wire.judge.judged.isEmpty)
        let isReported = wire.happened.contains { event in
            switch event {
            case .placeholderElsewhere: kind != "real" && kind != "basic"
            case .foreignCredential: kind == "real" || kind == "basic"
            default: false
            }
        }
        #expect(isReported)
        await wire.session.close()
        await upstream.stop()
    }

    @Test(
        "the host of one of the connection's APIs gets that API's token, once it is allowed, and no other",
        arguments: [
            ("https://api.contoso.com", true, true), ("https://api.contoso.com", false, false),
            ("https://graph.microsoft.com", true, false), ("https://management.azure.com", true, false),
        ])
    func ownAPI(audience: String, isAllowed: Bool, isSent: Bool) async throws {
        let upstream = try Upstream()
        let name = try #require(PlainHostName("api.contoso.com"))
        let cloud = try Cloud.named("public", paths: StatePaths(environment: ["HOME": "/nonexistent"]))
        let api = try ConnectionAPI("https://api.contoso.com")
        let wire = try await TestWire(upstream: upstream.port) { configuration in
            configuration.hosts = EgressHosts(cloud: cloud, allow: isAllowed ? [name] : [], apis: [api])
        }
        let placeholder = try wire.placeholder(audience)
        _ = try await Curl.run(
            wire, ["-H", "Authorization: Bearer \(placeholder)", "https://api.contoso.com/people"])
        let own = "Bearer real-token-of-admin@contoso.com-for-api.contoso.com"
        #expect(upstream.received.map { $0.headers["authorization"] } == (isSent ? [own] : []))
        await wire.session.close()
        await upstream.stop()
    }

    @Test("without a fresh token the service's answer to the old one is returned")
    func noToken() async throws {
        let upstream = try Upstream()
        let wire = try await TestWire(upstream: upstream.port)
        let placeholder = try wire.placeholder(account: "nobody")
        let answer = try await Curl.run(
            wire, ["-H", "Authorization: Bearer \(placeholder)", "https://graph.microsoft.com/v1.0/me"])
        #expect(answer.status == "401" && answer.text.contains("mm login"))
        #expect(upstream.received.isEmpty)
        await wire.session.close()
        await upstream.stop()
    }

    @Test("hosts outside the cloud, addresses, and plain HTTP are refused before any lookup")
    func foreignHosts() async throws {
        let upstream = try Upstream()
        let wire = try await TestWire(upstream: upstream.port)
        for url in [
            "https://example.com/", "https://127.0.0.1:\(upstream.port)/", "http://graph.microsoft.com/",
            "http://127.0.0.1:\(upstream.port)/",
        ] {
            let answer = try await Curl.run(wire, [url])
            #expect(answer.status == "403" || answer.text.contains("403"), "\(url): \(answer)")
        }
        #expect(wire.refusals.count == 4 && upstream.received.isEmpty)
        await wire.session.close()
        await upstream.stop()
    }

    @Test("several requests share a connection, with any method and form of body")
    func keepsAlive() async throws {
        let upstream = try Upstream { request in
            .text(request.method + " " + String(decoding: request.body, as: UTF8.self))
        }
        let wire = try await TestWire(upstream: upstream.port)
        let base = "https://graph.microsoft.com/v1.0/x"
        let next = ["--next", "-sS", "-w", "\n%{http_code}"]
        let answer = try await Curl.run(
            wire,
            ["-d", "one", base] + next + ["-X", "PATCH", "-H", "Transfer-Encoding: chunked", "-d", "two", base] + next
                + ["-X", "DELETE", base] + next + ["-I", base] + next + [
                    "-H", "Expect: 100-continue", "-d", "three", base,
                ])
        #expect(
            answer.text.contains("POST one") && answer.text.contains("PATCH two") && answer.text.contains("DELETE "))
        #expect(answer.text.contains("POST three") && answer.status == "200")
        #expect(upstream.received.map(\.method) == ["POST", "PATCH", "DELETE", "HEAD", "POST"])
        #expect(await Set(wire.records(5).map(\.number)).count == 5)
        await wire.session.close()
        await upstream.stop()
    }
}

import MMCore
import MMHTTP
import TestSupport
import Testing

@testable import MMGraph

@Suite("Sending requests", .timeLimit(.minutes(5)))
struct SendingTests {
    @Test(
        "an endpoint is sent to its host, with version, escapes and required headers",
        arguments: [
            ("/me", RequestService.graph, "https://graph.microsoft.com/v1.0/me"),
            ("beta/users", .graph, "https://graph.microsoft.com/beta/users"),
            ("https://graph.microsoft.com/v1.0/me", .graph, "https://graph.microsoft.com/v1.0/me"),
            ("/users?$filter=displayName eq 'O''Neil & Söhne'", .graph, nil),
            (
                "/providers/Microsoft.ProcessSimple/environments", .flow,
                "https://api.flow.microsoft.com/providers/Microsoft.ProcessSimple/environments?api-version=2016-11-01"
            ),
            (
                "/providers/Microsoft.ProcessSimple/environments?api-version=2020-06-01", .flow,
                "https://api.flow.microsoft.com/providers/Microsoft.ProcessSimple/environments?api-version=2020-06-01"
            ),
            (
                "/subscriptions?api-version=2022-12-01", .arm,
                "https://management.azure.com/subscriptions?api-version=2022-12-01"
            ),
        ] as [(String, RequestService, String?)])
    func addresses(endpoint: String, service: RequestService, expected: String?) async throws {
        let contoso = try Contoso(FakeNetwork(.json("{}")))
        let client = try contoso.client(service)
        _ = try await client.send(GraphRequest(target: try client.target(endpoint)))
        let sent = try #require(contoso.network.requests.first)
        if let expected { #expect(sent.url == expected) }
        #expect(sent.url.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F })
        #expect(sent.headers["Authorization"]?.hasPrefix("Bearer ") == true)
        #expect(sent.headers["client-request-id"]?.utf8.count == 36)
        #expect(!sent.allowsPlainHTTP)
    }

    @Test(
        "only searching and counting ask for eventual consistency",
        arguments: [
            ("/users?$search=\"displayName:a\"", true), ("/users?$count=true", true), ("/users/$count", true),
            ("/users?$top=5", false), ("/users?$count=false", false), ("/me", false),
            ("/users?$filter=accountEnabled ne true", true), ("/users?$filter=not(startsWith(mail,'a'))", true),
            ("/users?$filter=endsWith(mail,'.com')", true), ("/me/memberOf?$filter=x eq 1&$orderby=displayName", true),
            ("/groups?$filter=members/$count eq 0", true), ("/users?$filter=displayName eq 'one ne two not'", false),
            ("/users?$filter=displayName eq 'it''s ne'", false),
            ("/users?$filter=city eq 'a' and country ne 'b'", true),
            ("/me/messages?$filter=isRead ne true", false), ("/me/contacts?$filter=not(a eq 1)", false),
            ("/users?$filter=startsWith(displayName,'ne')", false), ("/sites?$filter=a ne 1", false),
            ("/groups/1/transitiveMembers/microsoft.graph.user?$search=\"displayName:a\"", true),
        ])
    func consistency(endpoint: String, expected: Bool) async throws {
        let contoso = try Contoso(FakeNetwork(.json("{}")))
        let client = try contoso.client()
        _ = try await client.send(GraphRequest(target: try client.target(endpoint)))
        #expect(contoso.network.requests.first?.headers["ConsistencyLevel"] == (expected ? "eventual" : nil))
    }

    @Test(
        "an advanced query counts, other queries aren't changed",
        arguments: [
            ("/users?$filter=accountEnabled ne true", true), ("/users?$filter=a ne 1&$count=true", true),
            ("/users?$filter=a eq 1", false), ("/me/messages?$filter=a ne 1", false),
        ])
    func counting(endpoint: String, expected: Bool) throws {
        let client = try Contoso(FakeNetwork(.json("{}"))).client()
        let target = try client.target(endpoint)
        #expect(target.queryItems.count { $0.plainName == "count" } == (expected ? 1 : 0))
    }

    @Test(
        "headers that we set, or that change the method, are refused",
        arguments: [
            "Authorization", "authorization", "Host", "Cookie", "Content-Length", "X-HTTP-Method",
            "x-http-method-override",
            "Bad Name", "",
        ])
    func refusedHeaders(name: String) throws {
        let target = try RequestTarget(parsing: "/me", service: .graph)
        #expect(throws: MMError.self) { try GraphRequest(target: target, headers: [name: "x"]) }
    }

    @Test("a header can't contain another one", arguments: ["a\r\nX: y", "a\nb", "a\u{0}b"])
    func headerValues(value: String) throws {
        let target = try RequestTarget(parsing: "/me", service: .graph)
        #expect(throws: MMError.self) { try GraphRequest(target: target, headers: ["Prefer": value]) }
    }

    @Test("unknown methods and bodies over ten megabytes are refused")
    func limits() throws {
        let target = try RequestTarget(parsing: "/me", service: .graph)
        #expect(throws: MMError.self) { try GraphRequest(method: "TRACE", target: target) }
        #expect(try GraphRequest(method: "patch", target: target).method == "PATCH")
        _ = try GraphRequest(method: "PUT", target: target, body: [UInt8](repeating: 0x20, count: 10 << 20))
        let error = #expect(throws: MMError.self) {
            try GraphRequest(method: "PUT", target: target, body: [UInt8](repeating: 0x20, count: (10 << 20) + 1))
        }
        #expect(error?.code == .limitExceeded)
    }

    @Test("bytes stay bytes, and paging data stays in the answer")
    func passThrough() async throws {
        let picture: [UInt8] = [0xFF, 0xD8, 0x00, 0x80, 0xC3]
        let contoso = try Contoso(
            FakeNetwork(
                HTTPResponse(status: 200, headers: ["Content-Type": "image/jpeg", "ETag": "W/\"1\""], body: picture)))
        let client = try contoso.client()
        let response = try await client.send(GraphRequest(target: try client.target("/me/photo/$value")))
        #expect(response.body == picture && response.contentType == "image/jpeg" && !response.isJSON)
        #expect(response.etag == "W/\"1\"")
        let page = try Fixture.json("graph/graph-users-page1.json")
        let paged = try Contoso(FakeNetwork(.recorded(page)))
        let pagedClient = try paged.client()
        let answer = try await pagedClient.send(GraphRequest(target: try pagedClient.target("/users?$top=3")))
        #expect(try answer.json() == page["response"]?["body"])
        #expect(answer.isJSON && answer.requestID != nil)
    }

    @Test(
        "a web page is the answer to a read, but leaves it open whether a write was done",
        arguments: [("GET", false), ("POST", true), ("PATCH", true), ("PUT", true), ("DELETE", true)])
    func pages(method: String, isOpen: Bool) async throws {
        let page = Array("<html><head><title>Blocked</title></head></html>".utf8)
        let contoso = try Contoso(
            FakeNetwork(HTTPResponse(status: 200, headers: ["Content-Type": "text/html; charset=utf-8"], body: page)))
        let client = try contoso.client()
        let request = try GraphRequest(method: method, target: try client.target("/me/onenote/pages/1/content"))
        guard isOpen else {
            #expect(try await client.send(request).body == page)
            return
        }
        let error = await #expect(throws: MMError.self) { try await client.send(request) }
        #expect(error?.message.contains("a web page titled “blocked”") == true)
        #expect(error?.hint?.contains("It isn't known whether this was done") == true)
        #expect(error?.code == .remoteFailed && error?.retry == .never && contoso.network.requests.count == 1)
    }

    @Test("If-Match is sent unchanged, quotes included")
    func ifMatch() async throws {
        let contoso = try Contoso(FakeNetwork(HTTPResponse(status: 204)))
        let client = try contoso.client()
        let request = try GraphRequest(
            method: "PATCH", target: try client.target("/planner/tasks/1"), headers: ["if-match": "W/\"abc\""],
            json: ["title": "x"])
        #expect(try await client.send(request).status == 204)
        let sent = try #require(contoso.network.requests.first)
        #expect(sent.headers["If-Match"] == "W/\"abc\"" && sent.headers["Content-Type"] == "application/json")
    }

    @Test("an endpoint may only name hosts of the cloud")
    func foreignHosts() throws {
        let client = try Contoso(FakeNetwork(.json("{}"))).client()
        for endpoint in [
            "https://graph.microsoft.us/v1.0/me", "https://evil.example/", "http://graph.microsoft.com/me",
        ] {
            #expect(throws: MMError.self) { try client.target(endpoint) }
        }
    }

    /// What becomes of the attempts to send a request.
    enum Fate: Sendable {
        case fault(HTTPError)
        case status(Int)
    }

    @Test(
        "an error says that nothing was sent only where no attempt can have reached the service",
        arguments: [
            ([.fault(HTTPError(.tls, "expired"))], true), ([.fault(HTTPError(.connect, "nobody"))], true),
            ([.fault(HTTPError(.connectionLost, "torn"))], false), ([.fault(HTTPError(.timeout, "slow"))], false),
            ([.fault(HTTPError(.timeout, "slow", mayHaveBeenSent: false))], true), ([.status(500)], false),
            ([.status(403)], false), ([.status(503), .fault(HTTPError(.tls, "expired"))], false),
        ] as [([Fate], Bool)])
    func unsent(fates: [Fate], isUnsent: Bool) async throws {
        let contoso = try Contoso(
            FakeNetwork { (_, number) throws(HTTPError) in
                switch fates[min(number, fates.count - 1)] {
                case .fault(let error): throw error
                case .status(let status): return .json("{}", status: status)
                }
            })
        let client = try contoso.client()
        let request = try GraphRequest(
            method: "PATCH", target: try client.target("/users/1"), headers: ["If-Match": "W/1"], json: [:])
        let error = await #expect(throws: MMError.self) {
            try await client.send(request, deadline: .after(.seconds(5000)))
        }
        #expect(error?.isUnsent == isUnsent, "\(error as Any)")
    }

    @Test("a request whose time was over before it was sent says that it was not")
    func late() async throws {
        let contoso = try Contoso(FakeNetwork(.json("{}")))
        let client = try contoso.client()
        let request = try GraphRequest(method: "POST", target: try client.target("/groups"), json: [:])
        let error = await #expect(throws: MMError.self) { try await client.send(request, deadline: .after(.zero)) }
        #expect(error?.isUnsent == true && contoso.network.requests.isEmpty)
    }
}

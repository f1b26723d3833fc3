import MMCore
import MMHTTP
import MMIdentity
import TestSupport
import Testing

@testable import MMGraph

@Suite("The Exchange client", .timeLimit(.minutes(5)))
struct ExchangeClientTests {
    private static let host = "https://outlook.office365.com"
    private static let place = "\(host)/adminapi/beta/\(Contoso.tenant)/InvokeCommand"

    private struct Run {
        var pages: [ExchangePage] = []
        var refusal: ExchangeError?
        var failure: MMError?
        let contoso: Contoso

        var rows: Int { pages.reduce(0) { $0 + $1.rows.count } }
    }

    private func client(_ contoso: Contoso, _ service: ExchangeService = .exchange) throws -> ExchangeClient {
        try ExchangeClient(
            identity: contoso.identity(contoso.network), connection: try contoso.connection, service: service,
            jitter: { 1 })
    }

    private func run(
        _ network: FakeNetwork, _ command: ExchangeCommand = ExchangeCommand("Get-Mailbox"),
        service: ExchangeService = .exchange
    ) async throws -> Run {
        let contoso = try Contoso(network)
        var run = Run(contoso: contoso)
        var pages = try client(contoso, service).pages(command)
        do throws(ExchangeFault) {
            while let page = try await pages.next() { run.pages.append(page) }
        } catch {
            switch error {
            case .refused(let refusal): run.refusal = refusal
            case .failed(let failure): run.failure = failure
            }
        }
        return run
    }

    private static func page(_ rows: Int, next: String? = nil, more: String = "") -> HTTPResponse {
        let items = (0..<rows).map { "{\"Name\":\"\($0)\"}" }.joined(separator: ",")
        let link = next.map { ",\"@odata.nextLink\":\"\($0)\"" } ?? ""
        return .json("{\"value\":[\(items)]\(link)\(more)}")
    }

    // MARK: Requests

    @Test("pages are requested like the vendor's module does, each next one by the same POST")
    func recorded() async throws {
        let exchanges = try #require(try Fixture.json("graph/exo-get-mailbox.json").array)
        let network = FakeNetwork { _, number in .recorded(exchanges[min(number, exchanges.count - 1)]) }
        var command = ExchangeCommand("Get-Mailbox", ["ResultSize": "Unlimited"])
        command.pageSize = 2
        let run = try await run(network, command)
        #expect(run.failure == nil && run.refusal == nil)
        let expected = exchanges.reduce(0) { $0 + ($1["response"]?["body"]?["value"]?.array?.count ?? 0) }
        #expect(run.rows == expected)
        for (request, exchange) in zip(network.requests, exchanges) {
            let wanted = try #require(exchange["request"])
            #expect(request.method == "POST")
            #expect(request.url == wanted["url"]?.string)
            #expect(try JSONParser.parse(request.body ?? []) == wanted["body"])
            for name in ["Content-Type", "Accept", "Prefer", "X-CmdletName", "X-ResponseFormat"] {
                #expect(request.headers[name] == wanted["headers"]?[name]?.string, "\(name)")
            }
            #expect(request.headers["X-AnchorMailbox"] == "UPN:adele.admin@contoso.example")
            #expect(request.headers["Authorization"]?.hasPrefix("Bearer ") == true)
        }
        let connections = Set(network.requests.compactMap { $0.headers["connection-id"] })
        #expect(connections.count == 1)
        // The service says on every page that there is more, but only the last one counts.
        #expect(run.pages.dropLast().allSatisfy { $0.warnings.isEmpty })
    }

    @Test("the last page requests only as many rows as are wanted, and surplus ones are cut")
    func limit() async throws {
        let network = FakeNetwork { _, number in Self.page(4, next: "\(Self.place)?$skiptoken=\(number)") }
        var command = ExchangeCommand("Get-Mailbox")
        command.limit = 6
        command.pageSize = 4
        let run = try await run(network, command)
        #expect(run.rows == 6)
        #expect(network.requests.map { $0.headers["Prefer"] } == ["odata.maxpagesize=4", "odata.maxpagesize=2"])
    }

    @Test("if the reader stops early, further pages aren't requested")
    func lazy() async throws {
        let contoso = try Contoso(FakeNetwork { _, number in Self.page(1, next: "\(Self.place)?$skiptoken=\(number)") })
        var pages = try client(contoso).pages(ExchangeCommand("Get-Mailbox"))
        #expect(contoso.network.requests.isEmpty)
        _ = try await pages.next()
        #expect(contoso.network.requests.count == 1)
    }

    @Test(
        "the anchor mailbox is the caller's, or an identity that names a mailbox",
        arguments: [
            ("a@b.example", true, "SMTP:a@b.example"), ("a@b.example:\\Calendar", true, "SMTP:a@b.example"),
            (
                "78787878-0000-4000-8000-000000000001", true,
                "MBX:78787878-0000-4000-8000-000000000001@\(Contoso.tenant)"
            ),
            ("Adele", true, "UPN:adele.admin@contoso.example"),
            ("a@b.example", false, "UPN:adele.admin@contoso.example"),
            ("a b@c.example\r\nX: y", true, "UPN:adele.admin@contoso.example"),
        ])
    func anchor(identity: String, routes: Bool, expected: String) {
        var command = ExchangeCommand("Get-MailboxStatistics", ["Identity": .string(identity)])
        command.usesCustomRouting = routes
        let account = SignedInAccount(
            username: "adele.admin@contoso.example", objectID: "o", tenantID: Contoso.tenant, homeAccountID: "h")
        let anchor = ExchangeAnchor(command, by: account, at: .exchange)
        #expect(anchor.value == expected)
        #expect(anchor.isFromParameter == !expected.hasPrefix("UPN"))
    }

    @Test("an app without a name uses a mailbox that every tenant has")
    func appAnchor() {
        let app = SignedInAccount(username: "", objectID: "o", tenantID: "T", homeAccountID: "h")
        let command = ExchangeCommand("Get-Mailbox")
        #expect(
            ExchangeAnchor(command, by: app, at: .exchange).value
                == "APP:SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}@T")
        #expect(ExchangeAnchor(command, by: app, at: .compliance).value == "UPN:OAuthUser@T")
    }

    // MARK: Places

    @Test(
        "a next link to another host isn't followed, and no token goes there",
        arguments: [
            "https://evil.example/adminapi/beta/x", "http://outlook.office365.com/adminapi/beta/x",
            "https://outlook.office365.com.evil.example/adminapi/x",
            "https://outlook.office365.com@evil.example/adminapi/",
            "https://outlook.office365.com:8443/adminapi/x", "/adminapi/beta/x", "https://outlook.office365.com/owa/",
            "https://eviloutlook.office365.com/adminapi/", "javascript:x",
        ])
    func foreign(link: String) async throws {
        let run = try await run(FakeNetwork(Self.page(1, next: link)))
        #expect(run.pages.count == 1)
        #expect(run.failure?.code == .denied)
        #expect(run.contoso.network.requests.count == 1)
    }

    @Test("a link with an internal port is followed without it, also on a regional host")
    func port() async throws {
        let network = FakeNetwork(
            Self.page(1, next: "https://eur02.outlook.office365.com:446/adminapi/beta/T/InvokeCommand?$skiptoken=2"),
            Self.page(1))
        let run = try await run(network)
        #expect(run.rows == 2)
        #expect(
            network.requests[1].url == "https://eur02.outlook.office365.com/adminapi/beta/T/InvokeCommand?$skiptoken=2")
    }

    @Test("a redirect to a regional host is followed with the token and remembered, with its cookie")
    func regional() async throws {
        let moved = HTTPResponse(
            status: 302,
            headers: [
                "Location": "https://eur02.outlook.office365.com:446/adminapi/beta/T/InvokeCommand",
                "Set-Cookie": "X-Affinity=abc; path=/; secure",
            ], body: [])
        let network = FakeNetwork(moved, Self.page(1))
        let contoso = try Contoso(network)
        let client = try client(contoso)
        for _ in 0..<2 {
            var pages = client.pages(ExchangeCommand("Get-Mailbox"))
            #expect(try await pages.next()?.rows.count == 1)
        }
        #expect(network.requests.count == 3)
        #expect(network.requests[1...].allSatisfy { $0.url.hasPrefix("https://eur02.outlook.office365.com/adminapi/") })
        #expect(network.requests[1].headers["Cookie"] == "X-Affinity=abc")
        #expect(network.requests[1].headers["Authorization"] != nil)
    }

    @Test("a host that only resembles the one that set a cookie doesn't get it")
    func cookieElsewhere() async throws {
        let moved = HTTPResponse(
            status: 302,
            headers: [
                "Location": "https://eur02.outlook.office365.com/adminapi/beta/T/InvokeCommand",
                "Set-Cookie": "X-Affinity=abc; path=/; secure",
            ], body: [])
        let other =
            "https://eur02.outlook.office365.com.outlook.office365.com/adminapi/beta/T/InvokeCommand?$skiptoken=2"
        let run = try await run(FakeNetwork(moved, Self.page(1, next: other), Self.page(1)))
        #expect(run.rows == 2)
        let sent = run.contoso.network.requests
        #expect(sent.map { $0.headers["Cookie"] } == [nil, "X-Affinity=abc", nil])
    }

    @Test(
        "a redirect to another host is refused",
        arguments: ["https://evil.example/adminapi/x", "http://outlook.office365.com/"])
    func redirectElsewhere(location: String) async throws {
        let run = try await run(FakeNetwork(HTTPResponse(status: 302, headers: ["Location": location], body: [])))
        #expect(run.failure?.code == .denied)
        #expect(run.contoso.network.requests.count == 1)
    }

    @Test("compliance cmdlets go to the host that the public one names, which is asked once")
    func compliance() async throws {
        let network = FakeNetwork { request, _ in
            request.url.contains("EXOBanner")
                ? HTTPResponse(
                    status: 302, headers: ["Location": "https://eur02b.admin.protection.outlook.com:446/x"], body: [])
                : Self.page(1)
        }
        let contoso = try Contoso(network)
        let client = try client(contoso, .compliance)
        for _ in 0..<2 {
            var pages = client.pages(ExchangeCommand("Get-ComplianceSearch"))
            #expect(try await pages.next()?.rows.count == 1)
        }
        let urls = network.requests.map(\.url)
        #expect(urls.count == 3)
        #expect(urls[0].hasPrefix("https://ps.compliance.protection.outlook.com/adminapi/"))
        #expect(urls[1].hasPrefix("https://eur02b.ps.compliance.protection.outlook.com/adminapi/beta/"))
    }

    @Test("a fault that passes doesn't hide the host of compliance cmdlets", arguments: faults.indices)
    func complianceAfterFault(index: Int) async throws {
        let network = FakeNetwork { request, number in
            guard request.url.contains("EXOBanner") else { return Self.page(1) }
            return number == 0
                ? Self.faults[index]
                : HTTPResponse(
                    status: 302, headers: ["Location": "https://eur02b.admin.protection.outlook.com:446/x"], body: [])
        }
        #expect(try await run(network, ExchangeCommand("Get-ComplianceSearch"), service: .compliance).rows == 1)
        #expect(network.requests.last?.url.hasPrefix("https://eur02b.ps.compliance.protection.") == true)
    }

    @Test("a host of compliance cmdlets that couldn't be asked for is asked for again by the next cmdlet")
    func complianceAfterOutage() async throws {
        let isDown = Mutex(true)
        let network = FakeNetwork { request, _ in
            guard request.url.contains("EXOBanner") else { return Self.page(1) }
            return isDown.withLock { $0 }
                ? .json("", status: 503)
                : HTTPResponse(
                    status: 302, headers: ["Location": "https://eur02b.admin.protection.outlook.com:446/x"], body: [])
        }
        let contoso = try Contoso(network)
        let client = try client(contoso, .compliance)
        for _ in 0..<2 {
            var pages = client.pages(ExchangeCommand("Get-ComplianceSearch"))
            #expect(try await pages.next()?.rows.count == 1)
            isDown.withLock { $0 = false }
        }
        #expect(network.requests.last?.url.hasPrefix("https://eur02b.ps.compliance.protection.") == true)
    }

    @Test("a compliance cmdlet isn't sent while its host is looked for, and an error then says so")
    func complianceUnsent() async throws {
        let network = FakeNetwork { _, _ throws(HTTPError) in throw HTTPError(.timeout, "slow", mayHaveBeenSent: true) }
        let failure = try await run(network, ExchangeCommand("New-ComplianceSearch"), service: .compliance).failure
        #expect(failure?.isUnsent == true && failure?.message == "The compliance host failed: slow")
        #expect(network.requests.allSatisfy { $0.url.contains("EXOBanner") })
        let sent = try await run(network, ExchangeCommand("New-Mailbox")).failure
        #expect(sent?.isUnsent == false && sent?.message == "New-Mailbox failed: slow")
    }

    // MARK: Ends

    @Test("a repeated next link ends it")
    func circle() async throws {
        let run = try await run(FakeNetwork(Self.page(1, next: "\(Self.place)?$skiptoken=1")))
        #expect(run.pages.count == 1 && run.failure?.code == .remoteFailed)
        #expect(run.contoso.network.requests.count == 2)
    }

    @Test("endless empty pages end it")
    func emptyPages() async throws {
        let run = try await run(FakeNetwork { _, number in Self.page(0, next: "\(Self.place)?$skiptoken=\(number)") })
        #expect(run.failure?.code == .remoteFailed)
        #expect(run.contoso.network.requests.count < 1000)
    }

    @Test("some empty pages in between don't end it")
    func someEmptyPages() async throws {
        let run = try await run(
            FakeNetwork { _, number in
                number < 5 ? Self.page(0, next: "\(Self.place)?$skiptoken=\(number)") : Self.page(3)
            })
        #expect(run.rows == 3 && run.failure == nil)
    }

    @Test("an answer without rows ends it", arguments: [(200, ""), (204, ""), (200, "{}"), (200, "{\"value\":[]}")])
    func nothing(status: Int, body: String) async throws {
        let run = try await run(FakeNetwork(.json(body, status: status)), ExchangeCommand("Set-Mailbox"))
        #expect(run.pages.count == 1 && run.rows == 0 && run.failure == nil)
    }

    @Test("an incomplete page is an error", arguments: ["{\"value\":[{\"Name\":1},", "<html>", "{\"value\":[{]}"])
    func torn(body: String) async throws {
        let run = try await run(FakeNetwork(.json(body)))
        #expect(run.rows == 0 && run.failure?.code == .remoteFailed && run.failure?.retry == .now)
        let writing = try await self.run(FakeNetwork(.json(body)), ExchangeCommand("Set-Mailbox"))
        #expect(writing.failure?.code == .remoteFailed && writing.failure?.retry == .never)
        #expect(writing.failure?.hint?.contains("isn't known whether Set-Mailbox ran") == true)
    }

    // MARK: Errors

    @Test("recorded errors become records with category, id, exception and message")
    func errors() async throws {
        let recorded = try #require(try Fixture.json("graph/exo-errors.json").array)
        var found: [ExchangeError] = []
        for exchange in recorded {
            let run = try await run(FakeNetwork(.recorded(exchange)), ExchangeCommand("Get-Mailbox"))
            found.append(try #require(run.refusal))
        }
        #expect(found.map(\.status) == [404, 400, 403, 401, 429])
        #expect(found.map(\.category).prefix(3) == ["ObjectNotFound", "InvalidArgument", "PermissionDenied"])
        #expect(found[0].id == "Ex6F9304")
        #expect(found[0].exceptionType.hasSuffix("ManagementObjectNotFoundException"))
        #expect(
            found[0].message.hasPrefix("The operation couldn't be performed because object 'nobody@contoso.example'"))
        #expect(found[0].fullyQualifiedID.contains("Server=AM0PR00MB0000"))
        #expect(found[0].fullyQualifiedID.hasSuffix(",Write-ErrorMessage"))
        #expect(found[1].message.contains("ResultSize"))
        #expect(found[2].message.contains("no role"))
        #expect(found[4].kind == .throttled && found[4].retryAfter == .seconds(20))
    }

    @Test("the reason is taken from JSON in the details, and the categories from numbers")
    func jsonDetail() async throws {
        let detail =
            #"{"Message":"No such thing.","ClassName":"X.ThingNotFoundException","localizedString":{"stringId":"Ex1"}}"#
        let body = JSONWriter.string([
            "error": [
                "code": "BadRequest", "message": "Invalid", "details": [["code": "13", "message": .string(detail)]],
            ]
        ])
        let run = try await run(FakeNetwork(.json(body, status: 400)))
        let refusal = try #require(run.refusal)
        #expect(refusal.message == "No such thing." && refusal.id == "Ex1" && refusal.category == "ObjectNotFound")
    }

    @Test("errors and warnings beside rows are reported, type annotations aren't rows")
    func besides() async throws {
        let more =
            #","@adminapi.warnings":["Careful."],"@adminapi.errors":["E1|X.Y|One failed."],"@adminapi.confirmationmessage":"Sure?""#
        let run = try await run(FakeNetwork(Self.page(2, more: more)))
        #expect(run.pages.first?.warnings == ["Careful."])
        #expect(run.pages.first?.errors.map(\.message) == ["One failed."])
        #expect(run.pages.first?.confirmation == "Sure?")
    }

    // MARK: Patience

    @Test(
        "after many 429s, each with its wait, the error is reported; writes wait too, because they certainly didn't run",
        arguments: [
            "Get-Mailbox", "Set-Mailbox",
        ])
    func storm(cmdlet: String) async throws {
        let busy = HTTPResponse.json("{}", status: 429, headers: ["Retry-After": "7"])
        let run = try await run(FakeNetwork(busy), ExchangeCommand(cmdlet))
        #expect(run.refusal?.status == 429)
        #expect(run.contoso.waits.told == Array(repeating: .milliseconds(7700), count: 20))
        #expect(run.contoso.network.requests.count == 21)
    }

    @Test(
        "a request that may have run is repeated only if it reads",
        arguments: [("Get-Mailbox", 2), ("Set-Mailbox", 1)], [500, 502, 504])
    func trouble(cmdlet: (String, Int), status: Int) async throws {
        let network = FakeNetwork(.json("{}", status: status), Self.page(1))
        let run = try await run(network, ExchangeCommand(cmdlet.0))
        #expect(network.requests.count == cmdlet.1)
        #expect((run.refusal == nil) == (cmdlet.1 == 2))
        // A gateway may have passed the cmdlet on; the service itself says what went wrong.
        let isOpen = run.refusal?.hint(for: "Contoso")?.contains("isn't known whether") == true
        #expect(isOpen == (run.refusal != nil && status != 500))
    }

    @Test(
        "after a lost connection a write is reported as possibly run",
        arguments: [("Get-Mailbox", true), ("Remove-Mailbox", false)])
    func cut(cmdlet: String, isRepeated: Bool) async throws {
        let network = FakeNetwork { (_, number) throws(HTTPError) in
            guard number > 0 else { throw HTTPError(.connectionLost, "gone", mayHaveBeenSent: true) }
            return Self.page(1)
        }
        let run = try await run(network, ExchangeCommand(cmdlet))
        #expect((run.rows == 1) == isRepeated)
        if !isRepeated { #expect(run.failure?.hint?.contains("isn't known whether") == true) }
    }

    @Test("a read that met a busy directory is repeated, a write isn't")
    func transient() async throws {
        let body = JSONWriter.string([
            "error": ["code": "BadRequest", "details": [["message": "E|X.DCOverloadedException|Busy."]]]
        ])
        let network = FakeNetwork(.json(body, status: 400), Self.page(1))
        #expect(try await run(network).rows == 1)
        let writing = FakeNetwork(.json(body, status: 400), Self.page(1))
        #expect(try await run(writing, ExchangeCommand("Set-Mailbox")).refusal != nil)
        #expect(writing.requests.count == 1)
    }

    @Test("a token that expires between two pages is renewed, and no row is repeated")
    func tokenEnds() async throws {
        let network = FakeNetwork { _, number in
            switch number {
            case 0: Self.page(2, next: "\(Self.place)?$skiptoken=2")
            case 1:
                HTTPResponse(
                    status: 401, headers: ["WWW-Authenticate": "Bearer error=\"invalid_token\""], body: [])
            default: Self.page(1)
            }
        }
        let run = try await run(network)
        #expect(run.rows == 3 && run.refusal == nil)
        #expect(network.requests[1].url == network.requests[2].url)
        #expect(network.requests[1].headers["Authorization"] != network.requests[2].headers["Authorization"])
    }

    @Test("a write is repeated after a 401 only if the token was refused")
    func refusedWrite() async throws {
        let bare = FakeNetwork(.json("", status: 401), Self.page(0))
        let refusal = try await run(bare, ExchangeCommand("Set-Mailbox")).refusal
        #expect(refusal?.status == 401)
        let hint = refusal?.mmError(of: "Tailspin Toys", .exchange).hint
        #expect(hint?.contains("mm login 'Tailspin Toys'") == true)
        #expect(bare.requests.count == 1)
        let challenged = FakeNetwork(
            HTTPResponse(status: 401, headers: ["WWW-Authenticate": "Bearer error=\"invalid_token\""], body: []),
            Self.page(0))
        #expect(try await run(challenged, ExchangeCommand("Set-Mailbox")).refusal == nil)
        #expect(challenged.requests.count == 2)
    }

    @Test("a request that is too large is reported as such")
    func tooLarge() async throws {
        let run = try await run(FakeNetwork(.json("", status: 413)), ExchangeCommand("Set-Mailbox"))
        #expect(run.refusal?.kind == .limitExceeded && run.refusal?.hint(for: "Contoso")?.contains("less") == true)
    }

    // MARK: Lists

    @Test("the account's cmdlets are one text with commas, requested once")
    func list() async throws {
        let network = FakeNetwork(
            .json(#"{"value":[{"exportedCmdlets":"Get-Mailbox, Set-Mailbox,Get-SomethingNew"}]}"#))
        let contoso = try Contoso(network)
        let client = try client(contoso)
        for _ in 0..<2 {
            let list = try await client.cmdlets(deadline: .after(.seconds(300)))
            #expect(list.all == ["Get-Mailbox", "Get-SomethingNew", "Set-Mailbox"])
            #expect(list.spelling(of: "get-somethingNEW") == "Get-SomethingNew")
        }
        #expect(network.requests.count == 1)
        #expect(network.requests[0].method == "GET" && network.requests[0].headers["CommandName"] == "*")
        #expect(network.requests[0].url.contains("/adminapi/v1.0/\(Contoso.tenant)/EXOModuleFile?Version="))
    }

    /// Answers that say nothing about what was asked.
    private static let faults: [HTTPResponse] = [
        .json("", status: 503), .json("", status: 503, headers: ["Retry-After": "3"]), .json("", status: 502),
        .json("<html>busy</html>", status: 429, headers: ["Retry-After": "3"]), .json("", status: 401),
    ]

    @Test("the list of cmdlets is requested again after a fault that passes", arguments: faults.indices)
    func listAfterFault(index: Int) async throws {
        let network = FakeNetwork(Self.faults[index], .json(#"{"value":[{"exportedCmdlets":"Get-Mailbox"}]}"#))
        let contoso = try Contoso(network)
        #expect(try await client(contoso).cmdlets(deadline: .after(.seconds(300))).all == ["Get-Mailbox"])
        #expect(network.requests.count == 2)
    }
}

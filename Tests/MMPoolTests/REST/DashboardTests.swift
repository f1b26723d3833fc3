import Glibc
import HeadlessBrowser
import MMCore
import MMHTTP
import MMOperations
import Testing

@testable import MMPool

@Suite("The dashboard", .timeLimit(.minutes(5)))
struct DashboardTests {
    @Test("a token unlocks one page, once, for a limited time")
    func lock() {
        let time = Mutex(ContinuousClock.now)
        let lock = DashboardLock { time.withLock { $0 } }
        #expect(lock.unlock("") == nil)
        let first = lock.newToken().reveal()
        let second = lock.newToken().reveal()
        #expect(lock.unlock(first) == nil)
        #expect(lock.unlock(second + "x") == nil)
        guard let page = lock.unlock(second)?.reveal() else {
            Issue.record("the token did not unlock")
            return
        }
        #expect(lock.unlock(second) == nil)
        #expect(lock.isUnlocked(page))
        #expect(!lock.isUnlocked(nil))
        #expect(!lock.isUnlocked(second))
        let late = lock.newToken().reveal()
        time.withLock { $0 = $0 + .seconds(301) }
        #expect(lock.unlock(late) == nil)
        #expect(lock.isUnlocked(page))
        time.withLock { $0 = $0 + .seconds(3_600) }
        #expect(!lock.isUnlocked(page))
        let again = lock.unlock(lock.newToken().reveal())?.reveal() ?? ""
        #expect(lock.isUnlocked(again))
        lock.lock(again)
        #expect(!lock.isUnlocked(again))
    }

    private static func operations(_ calls: @escaping @Sendable (String, JSONObject) -> Void) -> Catalogue {
        Catalogue(
            ["reset", "login"].map { name in
                AnyOperation(
                    DashboardDeed(name) { arguments in calls(name, arguments) })
            })
    }

    @Test("the page needs to be unlocked, and can only do its own actions")
    func actions() async throws {
        let home = try RESTHome()
        let done = Mutex<[String]>([])
        let catalogue = Self.operations { name, arguments in
            done.withLock { $0.append("\(name) \(JSONValue.object(arguments))") }
        }
        let service = LocalOperationService(catalogue: catalogue, services: home.services)
        let pool = try SocketPool(home, service)
        let body = #"{"connection":"Contoso","module":"exo","confirmed":true}"#
        #expect(try await pool.send("POST", "/v1/dashboard/reset", [:], body).status == 403)
        #expect(try await pool.send("POST", "/v1/dashboard/reset", ["MM-Unlock": "x"], body).status == 403)
        let token = try await pool.send("POST", "/v1/dashboard/token").json["token"]?.string ?? ""
        #expect(try await pool.send("POST", "/v1/dashboard/unlock", [:], #"{"token":"x"}"#).status == 403)
        let page = try await pool.send("POST", "/v1/dashboard/unlock", [:], "{\"token\":\"\(token)\"}")
        let headers: HTTPHeaders = ["MM-Unlock": page.json["unlock"]?.string ?? ""]
        #expect(try await pool.send("POST", "/v1/dashboard/reset", headers, body).status == 200)
        #expect(try await pool.send("POST", "/v1/dashboard/login", headers, body).status == 200)
        #expect(
            done.withLock { $0 } == [
                #"reset {"connection":"Contoso","module":"exo"}"#, #"login {"connection":"Contoso"}"#,
            ])
        #expect(try await pool.send("POST", "/v1/dashboard/run", headers, body).status == 404)
        await pool.stop()
        // A program of the same user without a terminal doesn't count as the owner at a screen.
        let silent = try SocketPool(home, service, terminal: false)
        #expect(try await silent.send("POST", "/v1/dashboard/token").status == 403)
        await silent.stop()
        // Without being the owner nobody gets a token.
        for peer in [AdmittedPeer.sameUser, .network] {
            let other = try SocketPool(home, service, peer: peer)
            #expect(try await other.send("POST", "/v1/dashboard/token").status == 403)
            await other.stop()
        }
    }

    @Test("the page's policy blocks everything from elsewhere")
    func policy() async throws {
        let home = try RESTHome()
        let pool = try SocketPool(home, home.service([]))
        for path in ["/", "/page.js", "/charts.js", "/approvals.js", "/dashboard.js", "/dashboard.css"] {
            let page = try await pool.send("GET", path)
            #expect(page.status == 200)
            #expect(page.headers["Content-Security-Policy"]?.hasPrefix("default-src 'none'; script-src 'self'") == true)
            #expect(!page.text.contains("innerHTML") && !page.text.contains("http://www"))
            #expect(!page.text.contains(" style=") && !page.text.contains("onclick"))
        }
        await pool.stop()
    }

    @Test("a returning page gets only news; others than the owner don't see the owner's calls")
    func events() async throws {
        let home = try RESTHome()
        let pool = try SocketPool(home, home.service([]))
        let first = try await state(pool, [:])
        #expect(try JSONParser.parse(first.data)["recent"]?.array?.isEmpty == true)
        let other = try SocketPool(home, home.service([]), peer: .network)
        let foreign = try await state(other, [:])
        #expect(try JSONParser.parse(foreign.data)["recent"] == nil)
        #expect(try JSONParser.parse(foreign.data)["sessions"]?.array?.isEmpty == true)
        await pool.stop()
        await other.stop()
    }

    @Test("where what waits for approval can't be read, the page says so instead of that nothing waits")
    func unreadableApprovals() async throws {
        let home = try RESTHome()
        try ProtectedFile.makeDirectory(home.services.paths.stateDirectory)
        try ProtectedFile.replace(home.services.paths.confirmationLedger, with: Array(#"{"broken"#.utf8))
        let pool = try SocketPool(home, home.service([]))
        let approvals = try JSONParser.parse(try await state(pool, [:]).data)["approvals"]
        #expect(approvals?["held"] == nil)
        let message = approvals?["error"]?["message"]?.string ?? ""
        #expect(message.contains("confirmations.json can't be read"), "\(message)")
        let answer = try await pool.send("GET", "/v1/approvals")
        #expect(answer.status >= 400 && answer.json["held"] == nil, "\(answer.status) \(answer.text)")
        await pool.stop()
    }

    /// A registry with a number of connections.
    private static func registry(_ count: Int) -> String {
        let entries = (0..<count).map { number -> (String, JSONValue) in
            (
                "C\(number)",
                [
                    "tenant": .string("t\(number).example"),
                    "description": .string(number % 100 == 7 ? "Überlingen" : "Berlin"),
                    "mcps": number == 7 ? [] : ["mm", "rest"],
                ]
            )
        }
        return JSONWriter.string(["connections": .object(JSONObject(entries))])
    }

    @Test("of many connections the matching ones are shown in pages")
    func search() async throws {
        let home = try RESTHome(registry: Self.registry(321))
        let pool = try SocketPool(home, home.service([]))
        #expect(try JSONParser.parse(try await state(pool, [:]).data)["unlisted"] == 321)
        func page(_ query: String, of pool: SocketPool) async throws -> JSONValue {
            try await pool.send("GET", "/v1/dashboard/connections" + query).json
        }
        let first = try await page("", of: pool)
        #expect(first["total"] == 321 && first["page"] == 1 && first["pages"] == 7)
        #expect(first["rows"]?.array?.count == 50)
        #expect(try await page("?search=&page=7", of: pool)["rows"]?.array?.count == 21)
        #expect(try await page("?page=99", of: pool)["page"] == 7)
        let found = try await page("?search=%C3%BCBER", of: pool)
        #expect(found["rows"]?.array?.compactMap { $0["connection"]?.string } == ["C7", "C107", "C207", "C307"])
        #expect(try await page("?search=t320.exa", of: pool)["total"] == 1)
        #expect(try await page("?search=nowhere", of: pool)["rows"]?.array?.isEmpty == true)
        let other = try SocketPool(home, home.service([]), peer: .network)
        #expect(try await page("?search=%C3%BCber", of: other)["total"] == 3)
        await pool.stop()
        await other.stop()
    }

    @Test("a pool that answers says so although nothing changes, so that a page can tell one that hangs")
    func alive() async throws {
        let feed = DashboardFeed(pause: .milliseconds(1)) { ["version": "1"] }
        var ids: [String] = []
        for await frame in await feed.frames(after: nil) {
            ids.append(frame.id)
            if ids.count == 3 { break }
        }
        #expect(ids.count == 3 && Set(ids).count == 1, "\(ids)")

        let home = try RESTHome()
        let pool = try SocketPool(home, home.service([]))
        let stream = try await pool.open("GET", "/v1/events", [:])
        var parser = SSEParser()
        var kinds: [String?] = []
        for try await chunk in stream.chunks {
            kinds += try parser.consume(chunk).map(\.event)
            if kinds.last == "alive" { break }
        }
        #expect(kinds.first == "state" && kinds.last == "alive", "\(kinds)")
        await pool.stop()
    }

    private func state(_ pool: SocketPool, _ headers: HTTPHeaders) async throws -> SSEEvent {
        let stream = try await pool.open("GET", "/v1/events", headers)
        var parser = SSEParser()
        for try await chunk in stream.chunks {
            if let event = try parser.consume(chunk).first { return event }
        }
        throw MMError(.internalError, "the stream ended")
    }

    @Test(
        "in a browser: sessions and codes as text, unlocked and used by the keyboard",
        .enabled(if: Chromium.isInstalled, "chromium is not installed (apt-get install chromium)"),
        .timeLimit(.minutes(10)))
    func browser() async throws {
        let evil = "<img src=x onerror=document.title='owned'>"
        let connections: JSONObject = JSONObject([(evil, .object(["tenant": "t.example"]))])
        let home = try RESTHome(registry: JSONWriter.string(["connections": .object(connections)]))
        let done = Mutex<[String]>([])
        let catalogue = Self.operations { name, arguments in
            done.withLock { $0.append("\(name) \(arguments["connection"]?.string ?? "")") }
        }
        let service = LocalOperationService(catalogue: catalogue, services: home.services)
        let router = RESTRouter(service: service, handshake: { SocketPool.handshake }, services: home.services)
        let listener = try HTTPListener.start(.tcp(host: "127.0.0.1", port: 0)) { request in
            await router.respond(to: request, from: .sameUser)
        }
        let answer = await router.respond(
            to: HTTPServerRequest(method: "POST", target: "/v1/dashboard/token"), from: .bearer)
        guard case .bytes(let bytes) = answer.body, let token = try JSONParser.parse(bytes)["token"]?.string else {
            throw MMError(.internalError, "no token")
        }
        let port = listener.port
        let isThere = try await Chromium.run {
            guard let browser = Chromium.start(at: "http://127.0.0.1:\(port)/") else { return false }
            try browser.wait(until: "document.querySelectorAll('#session-rows tr').length === 1")
            #expect(
                try browser.value("document.querySelector('#session-rows td').textContent").string
                    == "\(evil)/graph-api")
            #expect(try browser.value("document.title") == "mm pool")
            #expect(try browser.value("document.querySelectorAll('#session-rows img').length") == 0)
            #expect(
                try browser.value("[...document.querySelectorAll('#session-rows button')].every(b => b.hidden)") == true
            )
            // Skip link, token, Unlock: the tab order.
            try browser.pressTab()
            try browser.pressTab()
            #expect(try browser.value("document.activeElement.id") == "token")
            try browser.type(token)
            try browser.pressEnter()
            try browser.wait(until: "document.activeElement.id === 'lock'")
            try browser.pressTab()
            // The section that the skip link leads to isn't in the tab order; the row's button is next.
            #expect(
                try browser.value("document.activeElement.getAttribute('aria-label')").string
                    == "Sign in \(evil)/graph-api")
            try browser.pressEnter()
            for _ in 0..<15_000 where done.withLock({ $0.isEmpty }) { usleep(20_000) }
            guard done.withLock({ $0.isEmpty }) else { return true }
            let page = "document.activeElement.outerHTML + document.getElementById('message').textContent"
            throw Chromium.Failure(description: "nobody was signed in; the page: \(try browser.value(page))")
        }
        if isThere { #expect(done.withLock { $0 } == ["login \(evil)"]) }
        await listener.stop(graceful: .zero)
    }
}

extension DashboardTests {
    @Test(
        "in a browser: many connections are searched by the keyboard",
        .enabled(if: Chromium.isInstalled, "chromium is not installed (apt-get install chromium)"),
        .timeLimit(.minutes(10)))
    func browserSearch() async throws {
        let home = try RESTHome(registry: Self.registry(250))
        let router = RESTRouter(service: home.service([]), handshake: { SocketPool.handshake }, services: home.services)
        let listener = try HTTPListener.start(.tcp(host: "127.0.0.1", port: 0)) { request in
            await router.respond(to: request, from: .sameUser)
        }
        let port = listener.port
        try await Chromium.run {
            guard let browser = Chromium.start(at: "http://127.0.0.1:\(port)/") else { return }
            try browser.wait(until: "document.querySelectorAll('#connection-rows tr').length === 50")
            #expect(try browser.value("document.getElementById('found').textContent") == "250 found, page 1 of 5")
            // Skip link, token, Unlock, the search.
            for _ in 0..<4 { try browser.pressTab() }
            #expect(try browser.value("document.activeElement.id") == "search")
            try browser.type("Überlingen")
            try browser.wait(until: "document.getElementById('found').textContent === '3 found, page 1 of 1'")
            #expect(try browser.value("document.querySelector('#connection-rows td').textContent") == "C7/graph-api")
        }
        await listener.stop(graceful: .zero)
    }
}

/// An operation that accepts the dashboard's arguments.
private struct DashboardDeed: CatalogueOperation {
    struct Input: OperationInput {
        @Argument("connection", "A connection.") var connection: String?
        @Argument("module", "A module.") var module: String?

        var arguments: JSONObject {
            var arguments = JSONObject()
            arguments["connection"] = connection.map { .string($0) }
            arguments["module"] = module.map { .string($0) }
            return arguments
        }
    }
    let declaration: OperationDeclaration
    let body: @Sendable (JSONObject) -> Void

    init(_ name: String, _ body: @escaping @Sendable (JSONObject) -> Void) {
        declaration = OperationDeclaration(
            name, command: [name], title: name, summary: "A deed.", effects: .init(readOnly: false))
        self.body = body
    }

    func run(_ input: Input, in context: OperationContext, with services: Void) async throws(MMError) -> OperationAnswer
    {
        body(input.arguments)
        return .value("done")
    }
}

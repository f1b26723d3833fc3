import Glibc
import MMCore
import MMHTTP
import MMIdentity
import TestSupport
import Testing

@testable import MMGraph

@Suite("Sharing a service's request to slow down", .timeLimit(.minutes(5)))
struct SharedThrottleTests {
    private let start = Timestamp(seconds: 1_767_225_600)

    private func busy(_ retryAfter: String?, status: Int = 429) -> HTTPResponse {
        HTTPResponse(status: status, headers: retryAfter.map { ["Retry-After": $0] } ?? [:])
    }

    /// Sends a read with new clients, as another process would.
    @discardableResult
    private func get(
        _ contoso: Contoso, _ service: RequestService = .graph
    ) async -> Result<GraphResponse, MMError> {
        do {
            let client = try contoso.client(service)
            let path = service == .graph ? "/me" : "/providers/x"
            let answer = try await client.send(
                GraphRequest(target: client.target(path)), deadline: .after(.seconds(50_000)))
            return .success(answer)
        } catch let error as MMError {
            return .failure(error)
        } catch {
            return .failure(MMError(.internalError, "\(error)"))
        }
    }

    @Test("all calls of the connection to the service wait as long as one of them was told", arguments: [429, 503])
    func shared(status: Int) async throws {
        let contoso = try Contoso(FakeNetwork(busy("600", status: status), .json("{}")))
        #expect(await get(contoso).failure != nil)
        #expect(contoso.waits.all.isEmpty)
        // Ten minutes are too long to wait for; the last two waits aren't.
        contoso.waits.add(.seconds(480))
        #expect(try await get(contoso).get().status == 200)
        #expect(contoso.waits.all.reduce(.zero, +) >= .seconds(600))
        #expect(contoso.network.requests.count == 2)
    }

    @Test("a caller that can't wait that long gets an error at once, and nothing is sent")
    func tooLong() async throws {
        let contoso = try Contoso(FakeNetwork(busy("600"), .json("{}")))
        #expect(await get(contoso).failure?.code == .throttled)
        let error = try #require(await get(contoso).failure)
        #expect(error.code == .throttled && error.message.contains("nothing was sent"))
        guard case .after(let wait) = error.retry else {
            Issue.record("no time to come back at")
            return
        }
        #expect(wait > .seconds(590) && wait <= .seconds(601))
        #expect(contoso.network.requests.count == 1 && contoso.waits.all.isEmpty)
    }

    @Test("another service of the connection isn't delayed")
    func otherService() async throws {
        let contoso = try Contoso(FakeNetwork(busy("600"), .json("{}")))
        #expect(await get(contoso).failure != nil)
        #expect(try await get(contoso, .flow).get().status == 200)
        #expect(contoso.waits.all.isEmpty)
    }

    @Test("the file is private, and removed after a success")
    func file() async throws {
        let contoso = try Contoso(FakeNetwork(busy("301"), .json("{}")))
        let path = contoso.home.paths.throttleFile
        #expect(await get(contoso).failure != nil)
        var status = stat()
        #expect(lstat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
        contoso.waits.add(.seconds(290))
        for _ in 0..<30 { #expect(await get(contoso).failure == nil) }
        #expect(try ProtectedFile.read(path) == nil)
    }

    @Test(
        "an invalid file, or one from the future, delays nobody",
        arguments: [
            "", "{", "[]", #"{"Contoso/graph": 7}"#, #"{"Contoso/graph": {"notBefore": "soon"}}"#,
            #"{"Contoso/graph": {"notBefore": 9000000000000, "gap": 100, "told": 9000000000000}}"#,
            #"{"Contoso/graph": {"notBefore": 1, "gap": -5, "told": 1}}"#,
        ])
    func oddFile(content: String) async throws {
        let contoso = try Contoso(FakeNetwork(.json("{}")))
        try contoso.home.write(contoso.home.paths.throttleFile, Array(content.utf8))
        #expect(try await get(contoso).get().status == 200)
        #expect(contoso.waits.all.isEmpty)
    }

    @Test("if the file can't be written, each call still waits as it was told itself")
    func noFile() async throws {
        let contoso = try Contoso(FakeNetwork(busy("5"), .json("{}")))
        try contoso.home.write(contoso.home.paths.throttleFile + "/in-the-way", [])
        #expect(try await get(contoso).get().status == 200)
        #expect(contoso.waits.told == [.milliseconds(5500)])
    }

    @Test("if an answer says that the quota is used up, the next request waits")
    func usedUp() async throws {
        let last = HTTPResponse.json(
            "{}", headers: ["RateLimit-Limit": "10", "RateLimit-Remaining": "0", "RateLimit-Reset": "20"])
        let contoso = try Contoso(FakeNetwork(last, .json("{}")))
        #expect(try await get(contoso).get().status == 200)
        #expect(contoso.waits.all.isEmpty)
        #expect(try await get(contoso).get().status == 200)
        #expect(contoso.waits.all.reduce(.zero, +) >= .seconds(20))
    }

    @Test("ten simultaneous calls to a service that serves two per interval all succeed, none too early")
    func ten() async throws {
        let waits = Mutex<Waits?>(nil)
        let service = Mutex((closedUntil: start, served: 0, early: 0, refusals: 0))
        let start = start
        let network = FakeNetwork { _, _ in
            let now = waits.withLock { $0?.clock.now ?? start }
            return service.withLock { service in
                // The first calls are simultaneous; later ones know the pace.
                if now < service.closedUntil, service.refusals >= 10 { service.early += 1 }
                if now >= service.closedUntil, service.served < 2 {
                    service.served += 1
                    return .json("{}")
                }
                service.refusals += 1
                service.served = 0
                service.closedUntil = now + .seconds(2)
                return HTTPResponse(status: 429, headers: ["Retry-After": "2"])
            }
        }
        let contoso = try Contoso(network)
        waits.withLock { $0 = contoso.waits }
        let failures = await withTaskGroup(of: MMError?.self) { group in
            for _ in 0..<10 { group.addTask { await get(contoso).failure } }
            return await group.reduce(into: [MMError]()) { if let error = $1 { $0.append(error) } }
        }
        #expect(failures.isEmpty)
        #expect(service.withLock { $0.early } == 0)
    }

    @Test("cancelling ends the wait at once, and waiting callers are told why")
    func cancelled() async throws {
        let contoso = try Contoso(FakeNetwork(busy("200")))
        let identity = IdentityService(paths: contoso.home.paths, transport: contoso.network)
        let told = Mutex<[String]>([])
        let client = try GraphClient(identity: identity, connection: try contoso.connection)
            .reportingWaits { text in told.withLock { $0.append(text) } }
        let request = try GraphRequest(target: client.target("/me"))
        let call = Task { () async -> MMError? in
            do throws(MMError) {
                _ = try await client.send(request)
                return nil
            } catch {
                return error
            }
        }
        #expect(await eventually { told.withLock { !$0.isEmpty } })
        call.cancel()
        #expect(await call.value?.code == .cancelled)
        #expect(contoso.network.requests.count == 1)
        #expect(told.withLock { $0.first?.contains("graph is throttling requests: waiting 2") } == true)
    }

    @Test(
        "headers about waiting are read in each form",
        arguments: [
            (["Retry-After": "7"], 7, nil), (["Retry-After": "0"], 0, nil), (["Retry-After": "soon"], nil, nil),
            (["RateLimit-Remaining": "0", "RateLimit-Reset": "9"], nil, 9),
            (["RateLimit-Remaining": "1", "RateLimit-Reset": "9"], nil, nil),
            (["RateLimit-Remaining": "0"], nil, nil), (["RateLimit-Reset": "9"], nil, nil),
            (["RateLimit-Remaining": "0", "RateLimit-Reset": "1767225630"], nil, 30),
            (["Rate-Limit-Remaining": "0", "Rate-Limit-Reset": "2026-01-01T00:00:12Z"], nil, 12),
            (["X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "3"], nil, 3),
            (["RateLimit": "limit=100, remaining=0, reset=5"], nil, 5),
            (["RateLimit": "limit=100, remaining=4, reset=5"], nil, nil),
            (["RateLimit": "\"default\";r=0;t=8"], nil, 8), (["RateLimit": "\"a\";r=5;t=8, \"b\";r=0;t=2"], nil, 2),
            (["RateLimit": "\"a\";r=0;t=8, \"b\";r=3;t=90"], nil, 8), (["RateLimit": ";;=,"], nil, nil),
            (["Retry-After": "2", "RateLimit-Remaining": "0", "RateLimit-Reset": "9"], 2, 9),
        ] as [([String: String], Int64?, Int64?)])
    func advice(fields: [String: String], retryAfter: Int64?, reset: Int64?) {
        var headers = HTTPHeaders()
        for (name, value) in fields { headers.add(name, value) }
        let advice = WaitAdvice(headers, now: start)
        #expect(advice.retryAfter == retryAfter.map { .seconds($0) })
        #expect(advice.untilReset == reset.map { .seconds($0) })
    }
}

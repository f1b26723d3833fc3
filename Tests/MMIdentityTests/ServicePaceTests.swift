import MMCore
import TestSupport
import Testing

@testable import MMIdentity

@Suite("The pace of requests to a service", .timeLimit(.minutes(5)))
struct ServicePaceTests {
    private let home: TestHome
    private let clock = Moment(Timestamp(seconds: 1_767_225_600))

    init() throws { home = try TestHome() }

    private func pace(_ connection: String = "Contoso", _ service: String = "graph") -> ServicePace {
        let clock = clock
        return ServicePace(
            paths: home.paths, connection: connection, service: service, clock: WallClock { clock.now }, log: .off)
    }

    private func pass(_ wait: Duration) { clock.set(clock.now + wait) }

    @Test("without a known wait a request is sent at once")
    func unhindered() async {
        for _ in 0..<3 { #expect(await pace().take() == nil) }
        #expect(TestFolder.names(in: home.paths.stateDirectory).isEmpty)
    }

    @Test("after the wait one request is sent at once, and the next ones with gaps")
    func oneAfterTheOther() async throws {
        let sent = clock.now
        await pace().slowDown(for: .seconds(10), sent: sent)
        pass(.milliseconds(9_999))
        #expect(await pace().take() != nil)
        pass(.milliseconds(2))
        #expect(await pace().take() == nil)
        let gap = try #require(await pace().take())
        #expect(gap > .zero && gap < .seconds(1))
        pass(gap)
        #expect(await pace().take() == nil)
        #expect(await pace("Fabrikam").take() == nil)
        #expect(await pace("Contoso", "flow").take() == nil)
    }

    @Test("another request to slow down widens the gap unless it is for an earlier request; success narrows it")
    func adapts() async throws {
        func gap() async throws -> Duration {
            while let wait = await pace().take() { pass(wait) }
            return try #require(await pace().take())
        }
        let early = clock.now
        await pace().slowDown(for: .seconds(1), sent: early)
        let first = try await gap()
        await pace().slowDown(for: .seconds(1), sent: early)
        #expect(try await gap() == first)
        await pace().slowDown(for: .seconds(1), sent: clock.now)
        let wider = try await gap()
        #expect(wider > first)
        await pace().goOn(sent: early)
        #expect(try await gap() == wider)
        await pace().goOn(sent: clock.now)
        #expect(try await gap() < wider)
    }

    @Test("an entry that isn't renewed is forgotten, also those of other services")
    func forgotten() async throws {
        await pace().slowDown(for: .seconds(10), sent: clock.now)
        pass(.seconds(3600))
        await pace("Fabrikam").slowDown(for: .seconds(10), sent: clock.now)
        let file = try #require(try ProtectedFile.read(home.paths.throttleFile))
        #expect(try JSONParser.parse(file).object?.keys.sorted() == ["Fabrikam/graph"])
        #expect(await pace().take() == nil)
    }
}

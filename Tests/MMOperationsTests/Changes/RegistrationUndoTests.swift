import MMCore
import MMDesk
import MMGuard
import MMIdentity
import Testing

@testable import MMOperations

@Suite("What connect registers", .timeLimit(.minutes(10)))
struct RegistrationUndoTests {
    @Test("is in the journal, request by request, and is taken back by its call")
    func registered() async throws {
        let home = try await ChangesHome(users: 12)
        let services = home.service.services.requestServices
        let demo = try services.guarding.registry.snapshot().connection(named: "Demo")
        let client = try GuardedClient(identity: services.identity, connection: demo)
        let context = OperationContext(call: home.context(nil), deadline: .after(.seconds(500)), record: CallRecord())
        let registrar = AppRegistrar(
            watch: WriteWatch(client: client, connection: demo, requests: services, context: context))
        let account = try #require(await services.identity.known(of: demo))
        let apps = try await home.list("/applications?$select=id").count
        let plan = try await registrar.plan(for: ConnectionUse.permissions(of: [.graph]), account)
        let act = JudgedAgain(guarding: services.guarding, policy: .standard, name: "the plan")
        let verdict = try #require(try plan.verdict(client, try services.guarding.guards.engine(), .standard))
        let request = ConfirmationRequest(
            on: demo, module: "graph-api", title: plan.title, text: plan.text, verdict: verdict)
        let cleared = try #require(Judged(act, request).cleared(by: .kept(since: request)))
        _ = try await registrar.carryOut(plan, by: cleared) { _ in }
        #expect(try await home.list("/applications?$select=id").count == apps + 1)
        let entries = try await home.journal.entries()
        #expect(entries.count == plan.steps.count && entries.allSatisfy { $0.outcome == .done && $0.author != nil })
        let answer = try await home.call("undo", ["call": .string(context.record.call)])
        #expect(answer.missing == nil, "\(ChangesHome.value(answer))")
        #expect(try await home.list("/applications?$select=id").count == apps)
        await home.stop()
    }
}

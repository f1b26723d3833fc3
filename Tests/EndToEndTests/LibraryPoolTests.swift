import MMSystem
import MicrosoftMaster
import Testing

@Suite("A Swift program and the user's pool", .timeLimit(.minutes(15)))
struct LibraryPoolTests {
    @Test("which it starts, calls and shares with mm")
    func shared() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        try tenant.allowStandIn()
        var environment = tenant.home.environment
        environment["MM_PROGRAM"] = Programs.mm
        let mm = try await MM.pool(named: "nightly report", environment: environment)
        var names: [String] = []
        let users = try await mm(
            "graph_request", ["connection": "Demo", "endpoint": "/users?$select=displayName", "top": 3])
        for try await user in users.rows { names.append(user["displayName"]?.string ?? "") }
        #expect(names.count == 3 && !names.contains(""))
        let own = try await mm(
            "run", ["connection": "Demo", "module": "exo", "command": "Invoke-StandIn process", "output": "text"])
        // The session is the one that a terminal is lent.
        let process = try await tenant.sessionProcess()
        let number = ProcessEntry.numbers(of: process).last ?? process
        #expect(JSONWriter.string(try await own.json()).contains("\(number)"))
        #expect(try await UserPool(environment: environment).running() != nil)
    }
}

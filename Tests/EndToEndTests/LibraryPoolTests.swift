import MMSystem
import MicrosoftMaster
import Testing

@Suite("A Swift program with the user's pool", .timeLimit(.minutes(15)))
struct LibraryPoolTests {
    @Test("starts it, calls it and shares it with mm")
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
        // The session is the one that a terminal gets too.
        let process = try await tenant.sessionProcess()
        let number = ProcessEntry.numbers(of: process).last ?? process
        #expect(JSONWriter.string(try await own.json()).contains("\(number)"))
        #expect(try await UserPool(environment: environment).running() != nil)
    }

    @Test("plans its writes in one call, and applies them after a person has approved")
    func planned() async throws {
        let tenant = try await Tenant(users: 40)
        try await tenant.signIn()
        var environment = tenant.home.environment
        environment["MM_PROGRAM"] = Programs.mm
        let mm = try await MM.pool(named: "leavers", environment: environment)
        let user = "/users/lena.vogt@contoso-sandbox.example"
        let calls = [["accountEnabled": false], ["jobTitle": "Former employee"]].map { (body: JSONValue) -> JSONValue in
            [
                "tool": "graph_request",
                "arguments": [
                    "connection": "Demo", "endpoint": .string(user), "method": "PATCH", "body": body,
                ],
            ]
        }
        let plan = try await mm("plan", ["calls": .array(calls)]).json()
        let id = try #require(plan["plan"]?.string)
        #expect(plan["steps"]?.array?.count == 2 && plan["asks"] == true)
        let early = await #expect(throws: MMError.self) { try await mm("apply", ["plan": .string(id)]) }
        #expect(early?.code == .confirmationNeeded)
        let own = await #expect(throws: MMError.self) { try await mm("plan_approve", ["plan": .string(id)]) }
        #expect(own?.code == .forbidden)
        let said = try await tenant.dialog(["plan", "approve", id], [("Type yes", "yes\n")])
        #expect(said.code == 0, "\(said)")
        let applied = try await mm("apply", ["plan": .string(id)]).json()
        #expect(applied["done"] == 2 && applied["left"] == 0, "\(applied)")
        let now = try await mm(
            "graph_request", ["connection": "Demo", "endpoint": .string(user + "?$select=accountEnabled,jobTitle")])
        let shown = try await now.json()
        #expect(shown["accountEnabled"] == false && shown["jobTitle"] == "Former employee")
    }
}

import MMCore
import Testing

@Suite("The tools of the first design", .timeLimit(.minutes(15)))
struct MMDesignTests {
    @Test("show a device code, then run, list and end the session")
    func life() async throws {
        let tenant = try await Tenant()
        #expect(try await tenant.mm(["connections", "edit", "Demo", "engine=pwsh"]).code == 0)
        let signIn = StandInSignIn(tenant.home)
        let client = try await MCPClient(signIn.environment(), arguments: ["--profile", "mm-design"])
        _ = try await client.initialize()
        let run: JSONObject = ["connection": "Demo", "module": "exo", "command": "Get-Mailbox -ResultSize 1"]
        let asked = try await client.call(1, "mm_run", run)
        #expect(asked["isError"] == false)
        #expect(asked.text.hasPrefix("**DEVICE CODE: FXK3T9QMB**\nGo to: \(tenant.base)/devicelogin\n"))
        try signIn.approve()
        var answer = asked
        var id = 1
        while answer.text.hasPrefix("**DEVICE CODE") {
            try await Task.sleep(for: .milliseconds(100))
            id += 1
            answer = try await client.call(id, "mm_run", run)
        }
        #expect(answer["isError"] == false, "\(answer.text)")
        #expect(answer.text.contains("person1@contoso.example"))
        let listed = try JSONParser.parse(try await client.call(900, "mm_status").text)
        #expect(listed[0]?["session"] == "Demo/exo")
        #expect(listed[0]?["state"] == "ready")
        #expect(listed[0]?["account"] == "admin@contoso-sandbox.example")
        let ended = try await client.call(901, "mm_disconnect", ["connection": "Demo", "module": "exo"])
        #expect(ended.text.contains("Disconnected Demo/exo"))
        #expect(try await client.call(902, "mm_status").text == "[]")
        #expect(await client.finish() == 0)
    }
}

import MMCore
import MMGuard
import Testing

@testable import MMOperations

@Suite("What a tool may do is what the guard says of its steps")
struct ToolEffectsTests {
    private let effects = ToolEffects(.standard)

    private func tool(_ yaml: String) throws -> ToolDefinition {
        try YAMLDefinition.read(Array("description: x\n\(yaml)".utf8), name: "tool", place: "tool.yaml")
    }

    @Test(
        "reads, changes and destruction are told apart",
        arguments: [
            ("- get: /users", true, false),
            ("- post: /users/{x}/getMemberGroups\n    body: {securityEnabledOnly: false}", true, false),
            ("- patch: /users/{x}\n    body: {department: a}", false, false), ("- delete: /users/{x}", false, true),
            ("- get: /users\n  - delete: /groups/{x}", false, true),
            ("- run: Get-Mailbox -Identity $x\n    module: exo", true, false),
            ("- run: Set-Mailbox -Identity $x -CustomAttribute1 a\n    module: exo", false, false),
            ("- run: Remove-Mailbox -Identity $x\n    module: exo", false, true),
            ("- run: Invoke-Expression $x\n    module: exo", false, true),
        ])
    func kinds(steps: String, reads: Bool, destroys: Bool) throws {
        let parameter = "parameters: {x: {description: x.}}\nsteps:\n  "
        let found = effects.effects(of: try tool(parameter + steps))
        #expect(found.readOnly == reads && found.destructive == destroys, "\(found)")
        // What may only read can't do more, whatever its steps say.
        let narrowed = try tool("readOnly: true\n" + parameter + steps)
        #expect(effects.effects(of: narrowed).readOnly)
    }

    @Test("of the recipes only the leaver changes anything")
    func recipes() {
        let changing = RecipeLibrary.all.filter { !effects.effects(of: $0).readOnly }
        #expect(changing.map(\.name) == ["leaver"])
        #expect(changing.allSatisfy { $0.isPlan })
    }

    @Test("a pattern of cmdlets becomes typed tools within its limit")
    func cmdlets() throws {
        let definition = try tool("cmdlets: {module: exo, pattern: Get-MailboxF*, limit: 10}")
        let tools = try CmdletTools.expanded(definition)
        #expect(tools.contains { $0.name == "Get-MailboxFolderPermission" })
        let one = try #require(tools.first { $0.name == "Get-MailboxFolderPermission" })
        #expect(one.parameters.contains { $0.name == "identity" && $0.variable == "Identity" })
        #expect(effects.effects(of: one).readOnly)
        let wide = try tool("cmdlets: {module: exo, pattern: Get-*}")
        let error = try #require(throws: MMError.self) { try CmdletTools.expanded(wide) }
        #expect(error.code == .limitExceeded && error.message.contains("the limit is 20"))
        #expect(throws: MMError.self) { try CmdletTools.expanded(try tool("cmdlets: {module: exo, pattern: Got-*}")) }
        #expect(throws: MMError.self) { try CmdletTools.expanded(try tool("cmdlets: {module: azure, pattern: Get-*}")) }
    }

    @Test("a cmdlet's values are bound, and a switch has none")
    func script() throws {
        var archive = ToolParameter("archive", .boolean, "A.")
        archive.variable = "Archive"
        archive.isSwitch = true
        var identity = ToolParameter("identity", .string, "I.")
        identity.variable = "Identity"
        let made = CmdletTools.script("Get-Mailbox", [(identity, "x'; y"), (archive, true)])
        #expect(made.text == "param($Identity)\nGet-Mailbox -Identity $Identity -Archive")
        #expect(made.values == ["Identity": "x'; y"])
        #expect(CmdletTools.script("Get-Mailbox", [(archive, false)]).text == "Get-Mailbox")
    }

    @Test(
        "the help of a switch that is on by default shows how to turn it off",
        arguments: [("true", true), ("false", false)])
    func switches(standard: String, isShown: Bool) throws {
        let tool = try tool(
            "parameters: {keepMail: {type: boolean, default: \(standard), description: K.}}\nsteps: [{get: /users}]")
        var contents = ToolFolder.Contents()
        contents.definitions = [tool]
        let fields = ToolProjection.operations(of: .recipes, contents, effects: effects).flatMap(\.fields)
        let text = try #require(fields.first { $0.name == "keepMail" }?.summary)
        #expect(text.contains("--keep-mail=false") == isShown, "\(text)")
    }
}

import MMCore
import MMPowerShell
import PowerShellSyntax
import Testing

@testable import MMOperations

@Suite("Values for a script's parameters", .timeLimit(.minutes(5)))
struct ScriptArgumentsTests {
    private static let script = """
        [CmdletBinding(SupportsShouldProcess)]
        param(
            [Parameter(Mandatory)][Alias('Box', 'Mail')][string] $Mailbox, [switch] $Force, [bool] $Archive = $true,
            [string[]] $Groups, [int] $Days, [hashtable] $Filter, $Anything, [switch[]] $Marks,
            [System.Collections.Generic.List[string]] $Names)
        $Mailbox
        """

    private func bound(_ given: [(String, JSONValue)], to script: String = script) throws(MMError) -> ScriptArguments {
        try ScriptArguments(given.map { (name: $0.0, value: $0.1) }, for: PowerShellParser.parse(script))
    }

    /// Whether the native engine takes a value: texts and lists of them, flags and whole numbers.
    private static func isPlain(_ value: JSONValue) -> Bool {
        switch value {
        case .string, .bool, .int: true
        case .array(let items): items.allSatisfy { $0.string != nil }
        default: false
        }
    }

    @Test(
        "are bound as the parameter's type wants them",
        arguments: [
            ("Mailbox", "x", "Mailbox", "x"), ("mailbox", 7, "Mailbox", "7"), ("Box", "x", "Mailbox", "x"),
            ("Mailb", "x", "Mailbox", "x"), ("Force", true, "Force", true), ("Force", "true", "Force", true),
            ("Force", "$False", "Force", false), ("Force", 0, "Force", false), ("Archive", "false", "Archive", false),
            ("Groups", "a", "Groups", ["a"]), ("Groups", ["a", "b"], "Groups", ["a", "b"]),
            ("Marks", ["true", false], "Marks", [true, false]), ("Names", "n", "Names", ["n"]),
            ("Days", "30", "Days", "30"), ("Days", 30, "Days", "30"), ("Filter", ["a": 1], "Filter", ["a": 1]),
            ("Filter", "{\"a\": 1}", "Filter", ["a": 1]), ("Anything", 5, "Anything", 5),
            ("Anything", ["a", "b"], "Anything", ["a", "b"]), ("Verbose", true, "Verbose", true),
            ("vb", "true", "Verbose", true), ("WhatIf", "1", "WhatIf", true), ("ea", "Stop", "ErrorAction", "Stop"),
        ] as [(String, JSONValue, String, JSONValue)])
    func binding(name: String, value: JSONValue, own: String, bound wanted: JSONValue) throws {
        let arguments = try bound([(name, value)])
        #expect(arguments.object == [own: wanted])
        #expect(arguments.parameters == [own: .json(wanted)])
        #expect(arguments.texts == (wanted.string.map { [own: $0] } ?? [:]))
        #expect((arguments.misfit == nil) == Self.isPlain(wanted))
    }

    @Test(
        "that can't be bound are refused with what the script takes",
        arguments: [
            ("Mailbx", "x", "Mailbox", "Force, Archive"), ("Force", "maybe", "true or false", "Force=true"),
            ("Mailbox", ["a", "b"], "2 are given", "[string[]]"), ("Days", ["1", "2"], "2 are given", "[string[]]"),
            ("Filter", "a=1", "JSON object", ""), ("A", "x", "several", "Archive, Anything"),
            ("", "x", "no parameter", ""),
        ] as [(String, JSONValue, String, String)])
    func refusals(name: String, value: JSONValue, says: String, hint: String) throws {
        let error = #expect(throws: MMError.self) { try bound([(name, value)]) }
        #expect(error?.code == .invalidInput)
        #expect(error?.message.contains(says) == true, "\(error?.message ?? "")")
        if !hint.isEmpty { #expect(error?.hint?.contains(hint) == true, "\(error?.hint ?? "")") }
    }

    @Test("given under two names of one parameter are refused")
    func twice() {
        let error = #expect(throws: MMError.self) { try bound([("Mailbox", "a"), ("Box", "b")]) }
        #expect(error?.message.contains("twice") == true)
    }

    @Test("of a script without a param block are refused; so are common parameters where PowerShell has none")
    func without() throws {
        for script in ["Get-Mailbox", "param() 1"] {
            let error = #expect(throws: MMError.self) { try bound([("Name", "x")], to: script) }
            #expect(error?.message.contains("no param block") == true)
        }
        #expect(throws: MMError.self) { try bound([("Verbose", true)], to: "param($Name) $Name") }
        #expect(try bound([], to: "Get-Mailbox").parameters.isEmpty)
    }

    @Test("of a script that doesn't parse, or makes its parameters while it runs, are left to PowerShell")
    func open() throws {
        #expect(try bound([("Name", "x")], to: "param($Other) if (").texts == ["Name": "x"])
        let dynamic = "param($Other) dynamicparam { } process { 1 }"
        #expect(try bound([("Name", true)], to: dynamic).object == ["Name": true])
    }
}

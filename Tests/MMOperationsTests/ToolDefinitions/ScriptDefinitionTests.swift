import MMCore
import Testing

@testable import MMOperations

@Suite("Definitions that are scripts")
struct ScriptDefinitionTests {
    private static let modules = ["exchangeonlinemanagement": "exo", "az.accounts": "azure"]

    private static func read(_ text: String, name: String = "Get-Unused") throws -> ToolDefinition {
        try ScriptDefinition.read(Array(text.utf8), name: name, place: "/tools/\(name).ps1", modules: modules)
    }

    private static let whole = """
        #Requires -Modules ExchangeOnlineManagement
        <#
        .SYNOPSIS
            Mailboxes that nobody uses.
        .DESCRIPTION
            Looks at the last sign-in
            of each.
        .PARAMETER Days
            How many days back.
        .EXAMPLE
            ./Get-Unused.ps1 -Days 30

            The last month.
        #>
        [CmdletBinding()]
        param(
            [Parameter(Mandatory)] [string] $UserPrincipalName,
            [ValidateRange(1, 365)] [int] $Days = 90,
            [ValidateSet('Shared', 'Room')] [string] $Kind = 'Shared',
            # Names to leave out.
            [string[]] $Except,
            [switch] $IncludeArchive,
            [datetime] $Since,
            [Parameter(HelpMessage = 'The address.')] $SMTPAddress,
            [Parameter(DontShow)] $Hidden,
            [double] $Ratio,
            [ValidatePattern('^a')] [string] $Start
        )
        Get-Mailbox
        """

    @Test("types, defaults, help and examples come from the script's own words")
    func whole() throws {
        let tool = try Self.read(Self.whole)
        #expect(tool.name == "Get-Unused" && tool.summary == "Mailboxes that nobody uses.")
        #expect(tool.description == "Mailboxes that nobody uses. Looks at the last sign-in of each.")
        #expect(
            tool.parameters.map(\.name) == [
                "userPrincipalName", "days", "kind", "except", "includeArchive", "since", "smtpAddress", "ratio",
                "start",
            ])
        #expect(
            tool.parameters.map(\.kind) == [
                .string, .integer, .string, .list, .boolean, .datetime, .string, .number, .string,
            ])
        #expect(tool.parameters.map(\.isRequired) == [true] + Array(repeating: false, count: 8))
        #expect(tool.parameters[1].range == 1...365 && tool.parameters[1].defaultValue == 90)
        #expect(
            tool.parameters[1].summary == "How many days back." && tool.parameters[3].summary == "Names to leave out.")
        #expect(tool.parameters[6].summary == "The address." && tool.parameters[6].variable == "SMTPAddress")
        #expect(tool.parameters[2].choices == ["Shared", "Room"] && tool.parameters[4].isSwitch)
        #expect(try tool.parameters[8].checked("abc") == "abc")
        #expect(throws: MMError.self) { try tool.parameters[8].checked("xabc") }
        #expect(tool.examples == [.init(text: "./Get-Unused.ps1 -Days 30", purpose: "The last month.")])
        guard case .script(let text, let module) = tool.work else { throw MMError(.internalError, "no script") }
        #expect(text.hasSuffix("Get-Mailbox") && tool.source == Self.whole && module == "exo")
    }

    @Test("a line comment is help as well, .COMPONENT names the module, and .FUNCTIONALITY narrows")
    func lines() throws {
        let tool = try Self.read(
            "# .SYNOPSIS\n# One line.\n# .COMPONENT\n# azure\n# .FUNCTIONALITY\n# Read-only\nparam()\n1")
        #expect(tool.summary == "One line." && tool.isReadOnly && tool.parameters.isEmpty)
        guard case .script(_, "azure") = tool.work else { throw MMError(.internalError, "another module") }
        let tail = try Self.read("param()\nGet-Mailbox\n<#\n.SYNOPSIS\nAt the end.\n.COMPONENT\nexo\n#>")
        #expect(tail.summary == "At the end.")
    }

    @Test(
        "the text of a keyword begins in its line or below it",
        arguments: [
            "<#\n.SYNOPSIS One line.\n.COMPONENT azure\n.FUNCTIONALITY ReadOnly\n#>",
            "<#\n.SYNOPSIS\nOne line.\n.COMPONENT\nazure\n.FUNCTIONALITY\nReadOnly\n#>",
            "# .SYNOPSIS One\n# line.\n# .COMPONENT  azure\n# .FUNCTIONALITY Read-only",
        ])
    func sameLine(help: String) throws {
        let tool = try Self.read(help + "\nparam()\n1")
        #expect(tool.summary == "One line." && tool.isReadOnly)
        guard case .script(_, "azure") = tool.work else { throw MMError(.internalError, "another module") }
    }

    @Test("a module of a family belongs to the family's session")
    func family() throws {
        let tool = try Self.read("#Requires -Modules Az.Compute\n# .SYNOPSIS\n# x\nparam()\n1")
        guard case .script(_, "azure") = tool.work else { throw MMError(.internalError, "another module") }
    }

    @Test(
        "a line that requires what the session has loaded isn't run, and every other one is",
        arguments: [
            ("-Modules ExchangeOnlineManagement", false), ("-Version 7.4 -Modules exchangeonlinemanagement", false),
            ("-Modules ExchangeOnlineManagement, Tools", true), ("-Modules Az.Accounts", true),
            ("-Modules ExchangeOnlineManagement -Assembly Tools.dll", true),
        ])
    func requirements(line: String, isRun: Bool) throws {
        let source = "#Requires \(line)\n# .SYNOPSIS\n# x\n# .COMPONENT\n# exo\nparam()\nGet-Mailbox"
        let tool = try Self.read(source)
        guard case .script(let text, "exo") = tool.work else { throw MMError(.internalError, "another module") }
        #expect(text.contains("#Requires") == isRun && text.hasSuffix("param()\nGet-Mailbox") && tool.source == source)
        #expect(text.utf16.count == source.utf16.count, "places in the text stay the same")
    }

    @Test(
        "a fault names the line and what to do",
        arguments: [
            ("# .SYNOPSIS\n# x\n# .COMPONENT\n# exo\nparam(\n[securestring] $Password\n)\n1", 6, "password"),
            ("# .SYNOPSIS\n# x\n# .COMPONENT\n# exo\nparam()\n\nGet-Mailbox | |", 7, "parse"),
            ("param()\n1", 1, ".SYNOPSIS"), ("# .SYNOPSIS\n# x\n# .COMPONENT\n# exo\nGet-Mailbox", 1, "param"),
            ("# .SYNOPSIS\n# x\nparam()\n1", 1, "#Requires"),
            ("# .SYNOPSIS\n# x\n# .COMPONENT\n# exx\nparam()\n1", 1, "exo"),
        ])
    func fault(text: String, line: Int, word: String) throws {
        let error = try #require(throws: MMError.self) { try Self.read(text) }
        #expect(error.details["line"]?.int == line, "\(error)")
        #expect(error.description.contains(word), "\(error)")
    }
}

import MMCore
import PowerShellSyntax
import Testing

@testable import MMOperations

@Suite("The module that a script tells", .timeLimit(.minutes(5)))
struct ScriptModulesTests {
    private func module(_ script: String) throws(MMError) -> String {
        try ScriptModules(PowerShellParser.parse(script)).module()
    }

    @Test(
        "is that of its cmdlets",
        arguments: [
            ("Get-Mailbox", "exo"), ("get-mailbox ann | Select-Object Name", "exo"),
            ("Get-ComplianceSearch", "compliance"),
            ("Get-MgUser -All", "graph"), ("Get-MgUserUnheardOf", "graph"), ("Invoke-MgGraphRequest -Uri /me", "graph"),
            ("Get-AzVM", "azure"), ("New-Team", "teams"), ("Get-CsOnlineUser", "teams"), ("Get-PnPList", "pnp"),
            ("pac admin list", "powerplatform"), ("Connect-MgGraph; Connect-ExchangeOnline; Get-Mailbox", "exo"),
            ("Connect-IPPSSession; Get-Label", "compliance"), ("Connect-IPPSSession; Get-RoleGroup", "compliance"),
            ("Get-RoleGroup", "exo"), ("Get-RoleGroup; Get-ComplianceSearch", "compliance"),
            ("Connect-AzAccount", "azure"), ("Import-Module MicrosoftTeams", "teams"),
            ("#Requires -Modules Microsoft.Graph.Users\nGet-Date", "graph"),
            ("function Get-MgUser { 1 }\nGet-MgUser; Get-Mailbox", "exo"),
            ("function Get_It { Get-Mailbox }\nGet_It | Export-Csv x.csv", "exo"),
            ("ExchangeOnlineManagement\\Get-Mailbox", "exo"),
        ])
    func told(script: String, expected: String) throws {
        #expect(try module(script) == expected)
    }

    @Test("is Exchange's where Graph's cmdlets stand beside its own")
    func together() throws {
        #expect(try module("Get-MgUser; Get-Mailbox") == "exo")
        #expect(try module("Get-Label; Get-Mailbox; Get-MgUser") == "exo")
        #expect(try module("Get-Label; Get-MgUser") == "compliance")
        for script in ["Get-Label; Get-Mailbox", "Get-MgUser; Get-Mailbox"] {
            #expect(try ScriptModules(PowerShellParser.parse(script)).module(inPowerShell: true) == "exo")
        }
    }

    @Test("is asked for where there is none")
    func none() {
        for script in ["Get-Date", "1 + 1", "Get-Widget", ""] {
            let error = #expect(throws: MMError.self) { try module(script) }
            #expect(error?.code == .invalidInput)
            #expect(error?.hint?.contains("mm run CONNECTION exo") == true)
        }
        let misspelt = #expect(throws: MMError.self) { try module("Get-Mailbx") }
        #expect(misspelt?.message.contains("Get-Mailbox (exo)") == true, "\(misspelt as Any)")
        let old = #expect(throws: MMError.self) { try module("Get-MsolUser -All") }
        #expect(old?.hint?.contains("Get-MgUser") == true)
    }

    @Test(
        "is PnP's for what only SharePoint's own module has, under the name that PnP gives it",
        arguments: [
            ("Get-SPOSite -Limit All", "Get-PnPTenantSite"), ("Get-SPOTenant", "Get-PnPTenant"),
            ("Connect-SPOService -Url https://x; get-sposite", "get-PnPTenantsite"),
            ("Get-SPOUnheardOf", "(module pnp)."),
        ])
    func sharePoint(script: String, named: String) {
        let error = #expect(throws: MMError.self) { try module(script) }
        #expect(error?.message.contains("only on Windows") == true)
        #expect(error?.hint?.contains(named) == true, "\(error?.hint ?? "")")
    }

    @Test(
        "doesn't matter for a text with a syntax error, which is refused with its place",
        arguments: ["Get-MgUser | #Export-Csv x.csv", "$a = (", "Connect-MgGraph\nif ($true) {"])
    func broken(script: String) async throws {
        let home = try await ChangesHome(users: 5, isSignedIn: false)
        defer { Task { await home.stop() } }
        let error = await #expect(throws: MMError.self) {
            try await home.call("run", ["connection": "Demo", "command": .string(script)])
        }
        #expect(error?.code == .denied || error?.code == .invalidInput)
        #expect(error?.message.contains("PowerShell can't run this text") == true, "\(error as Any)")
        #expect(error?.message.contains("(line ") == true)
    }

    private func input(_ arguments: JSONObject) throws(MMError) -> RunInput {
        try RunInput(from: InputReader(operation: "run", arguments: arguments, fields: RunInput.fields))
    }

    @Test("may be left out, and no script is taken for one")
    func input() throws {
        let found = try input(["connection": "Contoso", "command": "Get-Mailbox"])
        #expect(found.module == nil)
        for script in ["Get-Mailbox", "Get-Mailbox -ResultSize 5", "$x = 1", "Connect-MgGraph", "Get-Widget"] {
            let typed = try input(["connection": "Contoso", "module": .string(script)])
            #expect(typed.module == nil)
            #expect(typed.command == script)
        }
        let named = try input(["connection": "Contoso", "module": "exo", "command": "Get-MgUser"])
        #expect(named.module == "exo")
        for arguments: JSONObject in [
            ["connection": "Contoso", "module": "exoo"], ["connection": "Contoso", "module": "exo"],
            ["connection": "Contoso", "module": "Get-Mailbox", "command": "Get-Mailbox"],
            ["connection": "exo", "module": "Get-Mailbox"], ["connection": "Contoso"], ["command": "Get-Mailbox"],
        ] {
            #expect(throws: MMError.self) { try input(arguments) }
        }
    }
}

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
            ("Get-AzVM", "azure"), ("New-Team", "graph"), ("Set-TeamPicture", "teams"),
            ("Get-CsOnlineUser", "teams"), ("Get-PnPList", "pnp"),
            ("pac admin list", "powerplatform"), ("Connect-MgGraph; Connect-ExchangeOnline; Get-Mailbox", "exo"),
            ("Connect-IPPSSession; Get-Label", "compliance"), ("Connect-IPPSSession; Get-RoleGroup", "compliance"),
            ("Get-RoleGroup", "exo"), ("Get-RoleGroup; Get-ComplianceSearch", "compliance"),
            ("Connect-AzAccount", "azure"), ("Import-Module MicrosoftTeams", "teams"),
            ("#Requires -Modules Microsoft.Graph.Users\nGet-Date", "graph"),
            ("function Get-MgUser { 1 }\nGet-MgUser; Get-Mailbox", "exo"),
            ("function Get_It { Get-Mailbox }\nGet_It | Export-Csv x.csv", "exo"),
            ("ExchangeOnlineManagement\\Get-Mailbox", "exo"), ("3, 1 | sort | select -First 1", "exo"),
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

    @Test(
        "doesn't matter for a script that needs no service",
        arguments: ["Get-Date", "1 + 1", "# nothing", "Write-Host hi"])
    func anyModule(script: String) throws {
        #expect(try module(script) == "exo")
    }

    @Test("is asked for where no module has the cmdlet")
    func none() {
        let error = #expect(throws: MMError.self) { try module("Get-Widget") }
        #expect(error?.code == .invalidInput)
        #expect(error?.hint?.contains("mm run CONNECTION exo") == true)
        let misspelt = #expect(throws: MMError.self) { try module("Get-Mailbx") }
        #expect(misspelt?.message.contains("Get-Mailbox (exo)") == true, "\(misspelt as Any)")
    }

    @Test(
        "is not available for cmdlets of other modules, which are refused with the cmdlet to use instead",
        arguments: [
            ("Get-MsolUser -All", "retired", "(module graph): Get-MgUser."),
            ("Connect-AzureAD; Get-AzureADUser -All $true", "retired", "(module graph): Get-MgUser."),
            ("Get-AzureADMSGroup", "retired", "(module graph): Get-MgGroup."),
            ("Get-AzureRmVM", "retired", "(module azure): Get-AzVM."),
            ("Get-EntraUser", "Microsoft.Entra,", "(module graph): Get-MgUser."),
            ("Get-EntraBetaUser", "Microsoft.Entra.Beta", "(module graph): Get-MgBetaUser."),
            ("Get-ADUser -Filter *", "Active Directory", "Entra ID: Get-MgUser."),
            ("Set-ADAccountPassword ada", "Active Directory", "for what is in Entra ID."),
            ("Get-SPOSite -Limit All", "only on Windows", "Get-PnPTenantSite"),
            ("Get-SPOTenant", "only on Windows", "Get-PnPTenant"),
            ("Connect-SPOService -Url https://x; get-sposite", "only on Windows", "get-PnPTenantsite"),
            ("Get-SPOUnheardOf", "only on Windows", "(module pnp)."),
        ])
    func foreign(script: String, owner: String, instead: String) {
        let error = #expect(throws: MMError.self) { try module(script) }
        #expect(error?.code == .invalidInput)
        #expect(error?.message.contains(owner) == true, "\(error?.message ?? "")")
        #expect(error?.hint?.contains(instead) == true, "\(error?.hint ?? "")")
    }

    @Test("of a word that only begins like another module's is asked for as for any other", arguments: ["Get-Addins"])
    func notForeign(script: String) {
        let error = #expect(throws: MMError.self) { try module(script) }
        #expect(error?.hint?.contains("mm run CONNECTION exo") == true)
    }

    @Test("beside cmdlets that are available, one of a retired module is refused in the same way")
    func foreignBesideOthers() async throws {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        let error = await #expect(throws: MMError.self) {
            try await home.call(
                "run", ["connection": "Demo", "command": "Get-MgUser -All; Get-MsolUser -All", "engine": "native"])
        }
        #expect(error?.message == "Get-MsolUser belongs to a retired module, MSOnline.", "\(error?.message ?? "")")
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

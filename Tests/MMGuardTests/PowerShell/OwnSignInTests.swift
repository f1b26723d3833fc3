import Glibc
import MMCore
import PowerShellSyntax
import TestSupport
import Testing

@testable import MMGuard

@Suite("A script's own sign-in", .timeLimit(.minutes(5)))
struct OwnSignInTests {
    private static let engine = GuardEngine()

    /// A connection of a person, beside one of another tenant and one of an app.
    private static let signIn: OwnSignIn = {
        var own = SignInIdentity(connection: "Contoso")
        own.tenants = ["11111111-2222-3333-4444-555555555555", "contoso.onmicrosoft.com"]
        own.accounts = ["admin@contoso.com"]
        own.apps = ["aaaaaaaa-0000-4000-8000-000000000001"]
        own.site = "contoso"
        var fabrikam = SignInIdentity(connection: "Fabrikam")
        fabrikam.tenants = ["99999999-2222-3333-4444-555555555555", "fabrikam.onmicrosoft.com"]
        fabrikam.accounts = ["admin@fabrikam.com"]
        fabrikam.site = "fabrikam"
        var robot = SignInIdentity(connection: "Robot")
        robot.tenants = own.tenants
        robot.apps = ["bbbbbbbb-0000-4000-8000-000000000002"]
        robot.isApp = true
        return OwnSignIn(own: own, others: [fabrikam, robot])
    }()

    private static func verdict(
        _ script: String, behindWire: Bool = false, module: String = "exo", memory: SessionMemory = .fresh,
        signIn: OwnSignIn = signIn
    ) -> Verdict {
        var context = ScriptContext(module: module, memory: memory, isBehindWire: behindWire)
        context.signIn = signIn
        return engine.judge(script: script, in: context, policy: .standard)
    }

    @Test(
        "is nothing to do where it names this connection's tenant, account, app and site, or none",
        arguments: [
            "Connect-ExchangeOnline", "Connect-ExchangeOnline -ShowBanner:$false -ErrorAction Stop",
            "Connect-ExchangeOnline -UserPrincipalName ADMIN@contoso.com",
            "connect-exchangeonline -UserP admin@contoso.com",
            "Connect-ExchangeOnline -Organization contoso.onmicrosoft.com",
            "$o = @{ UserPrincipalName = 'admin@contoso.com' }; Connect-ExchangeOnline @o",
            "$u = 'admin@contoso.com'; Connect-ExchangeOnline -UserPrincipalName $u",
            "Connect-IPPSSession -UserPrincipalName admin@contoso.com",
            "Connect-MgGraph", "Connect-MgGraph -Scopes 'User.Read.All', 'Group.Read.All' -NoWelcome",
            "Connect-Graph -TenantId 11111111-2222-3333-4444-555555555555",
            "Connect-MgGraph -ClientId aaaaaaaa-0000-4000-8000-000000000001 -TenantId contoso.onmicrosoft.com",
            "Connect-MgGraph -Environment Global -ContextScope Process", "Connect-MgGraph -AccessToken $null",
            "Connect-AzAccount -Tenant contoso.onmicrosoft.com -Subscription Test", "Login-AzAccount", "Add-AzAccount",
            "Connect-MicrosoftTeams -TenantId 11111111-2222-3333-4444-555555555555",
            "Connect-PnPOnline -Url https://contoso.sharepoint.com/sites/x -Interactive",
            "Connect-PnPOnline https://contoso-admin.sharepoint.com",
            "Connect-SPOService -Url https://contoso-admin.sharepoint.com",
            "Disconnect-MgGraph", "Disconnect-ExchangeOnline -Confirm:$false", "Disconnect-AzAccount",
            "Disconnect-PnPOnline", "Disconnect-SPOService", "Disconnect-MicrosoftTeams", "Disconnect-IPPSSession",
            "Import-Module ExchangeOnlineManagement -Force", "Import-Module Microsoft.Graph.Users, Az.Accounts",
            "Install-Module Microsoft.Graph -Scope CurrentUser -Force -AllowClobber; Get-Mailbox ann",
            "Install-Module -Force ExchangeOnlineManagement\nConnect-ExchangeOnline",
            "Update-Module PnP.PowerShell\nImport-Module PnP.PowerShell",
            "Get-InstalledModule Microsoft.Graph*", "Get-Module -ListAvailable MSOnline", "Find-Module Az",
            "Install-PackageProvider -Name NuGet -Force", "Set-PSRepository PSGallery -InstallationPolicy Trusted",
            "Uninstall-Module Microsoft.Graph -AllVersions -Force", "Uninstall-Module AzureAD",
            "Get-InstalledModule Microsoft.Graph* | Uninstall-Module -Force", "Remove-Module Microsoft.Graph",
            "foreach ($m in $all) { Uninstall-Module $m.Name }", "Register-PSRepository -Default",
            "Set-PSResourceRepository -Name PSGallery -Trusted", "Install-PackageProvider PowerShellGet -Force",
            "Set-ExecutionPolicy Bypass -Scope Process -Force",
            "Set-MgGraphOption -EnableLoginByWAM $false", "Set-MgGraphOption -DisableLoginByWAM:$true",
            "Disable-AzContextAutosave -Scope Process | Out-Null\nConnect-AzAccount",
            "$s = @{ MaxRetry = 5 }; Set-MgRequestContext @s", "Set-MgRequestContext -MaxRetry 9 -RetryDelay 20",
            "#Requires -Version 5.1\n#Requires -Modules Microsoft.Graph.Users\nGet-Mailbox ann",
            "if ($x) { Install-Module ImportExcel -Force }", "foreach ($m in $all) { Install-Module $m }",
            "param($Cert, $App) if ($Cert) { Connect-MgGraph -ClientId $App -CertificateThumbprint $Cert } else { Connect-MgGraph }",
            "if ($here) { Connect-MgGraph -Scopes User.Read.All } else { Connect-MgGraph -Identity -NoWelcome }",
            "if ($x) { Connect-ExchangeOnline -ManagedIdentity } else { Connect-ExchangeOnline }",
            "function Connect_All { param($c) Connect-ExchangeOnline -Credential $c }\nConnect_All",
        ])
    func own(script: String) {
        for behindWire in [false, true] {
            let verdict = Self.verdict(script, behindWire: behindWire)
            #expect(verdict.decision == .allow, "\(verdict.rule): \(verdict.reason)")
        }
    }

    @Test(
        "is refused where it is another's, with the connection that would do",
        arguments: [
            ("Connect-ExchangeOnline -UserPrincipalName admin@fabrikam.com", "admin@fabrikam.com", "Fabrikam"),
            ("Connect-MgGraph -TenantId fabrikam.onmicrosoft.com", "the tenant fabrikam.onmicrosoft.com", "Fabrikam"),
            ("$t = 'fabrikam.onmicrosoft.com'; Connect-MgGraph -Tenant $t", "fabrikam", "Fabrikam"),
            ("Connect-AzAccount -TenantId 99999999-2222-3333-4444-555555555555", "99999999", "Fabrikam"),
            ("Connect-PnPOnline https://fabrikam.sharepoint.com", "fabrikam.sharepoint.com", "Fabrikam"),
            ("Connect-MgGraph -TenantId nobody.com", "the tenant nobody.com", "mm connections add"),
            (
                "Connect-MgGraph -ClientId bbbbbbbb-0000-4000-8000-000000000002 -TenantId contoso.onmicrosoft.com "
                    + "-CertificateThumbprint 0A1B", "its own certificate", "Robot"
            ),
            (
                "Connect-ExchangeOnline -CertificateThumbprint 0A -AppId x -Organization y.com", "certificate",
                "mm connections"
            ),
            ("Connect-MgGraph -ClientSecretCredential $secret", "its own client secret", "Robot"),
            ("Connect-MgGraph -AccessToken $token", "its own access token", "Robot"),
            ("Connect-ExchangeOnline -Credential (Get-Credential)", "its own password", "Robot"),
            ("Connect-MgGraph -Identity", "the identity of the machine", "Robot"),
            ("Connect-ExchangeOnline -Prefix EXO", "the prefix EXO", "Leave out the prefix"),
            ("if ($x) { Connect-MgGraph -TenantId fabrikam.onmicrosoft.com }", "fabrikam", "Fabrikam"),
            ("Connect-MsolService", "MSOnline", "Microsoft Graph"), ("Connect-AzureAD", "AzureAD", "Get-MgUser"),
            ("Import-Module AzureAD", "AzureAD is retired", ""), ("Install-Module MSOnline", "MSOnline is retired", ""),
        ])
    func another(script: String, reason: String, instead: String) {
        for behindWire in [false, true] {
            let verdict = Self.verdict(script, behindWire: behindWire)
            #expect(verdict.decision == .deny, "\(verdict.rule): \(verdict.reason)")
            #expect(verdict.reason.contains(reason), "\(verdict.reason)")
            #expect(instead.isEmpty || (verdict.reason + (verdict.instead ?? "")).contains(instead), "\(verdict)")
        }
    }

    @Test(
        "makes the connection that PnP's cmdlets are given",
        arguments: [
            "Get-PnPList -Connection (Get-PnPConnection)",
            "$c = Connect-PnPOnline https://contoso.sharepoint.com/sites/a -ReturnConnection; Get-PnPList -Connection $c",
            "foreach ($u in $urls) { $c = Connect-PnPOnline $u -ReturnConnection; Get-PnPWeb -Connection $c }",
            "$to = @{}; $to['a'] = Connect-PnPOnline -Url $u -ReturnConnection; Get-PnPList -Connection $to['a']",
            "$c = Connect-PnPOnline -Url $u -ReturnConnection; $p = @{ Connection = $c }; Get-PnPWeb @p; $c.Url",
            "function Get-It($c) { Get-PnPList -Connection $c }; Get-It (Get-PnPConnection)",
            "param($From, $To) foreach ($c in $From, $To) { Get-PnPList -Connection $c }",
            "Get-PnPFlow -Environment (Get-PnPPowerPlatformEnvironment -IsDefault)",
            "$a = Connect-AzAccount; $a.Context.Subscription.Name",
        ])
    func connection(script: String) {
        for behindWire in [false, true] {
            let verdict = Self.verdict(script, behindWire: behindWire, module: "pnp")
            #expect(verdict.decision == .allow, "\(verdict.rule): \(verdict.reason)")
            #expect(verdict.guardClass == .read, "\(verdict.rule): \(verdict.reason)")
        }
    }

    @Test(
        "makes no other connection known, and what it makes holds tokens",
        arguments: [
            ("Get-AzVM -DefaultProfile (Get-AzContext -ListAvailable)[1]", "other-session"),
            ("Get-PnPWeb -AccessToken $t", "other-session"),
            ("$c = Connect-PnPOnline $u -ReturnConnection; Remove-PnPList l -Connection $c", "seed-warned"),
            ("function Clear-It($c) { Remove-PnPList l -Connection $c }; Clear-It $c", "seed-warned"),
            ("Connect-AzAccount | ConvertTo-Json -Depth 9", "secret-property"),
            ("$a = Connect-AzAccount; $a.Context.TokenCache", "secret-property"),
            ("$a = Connect-AzAccount; $a.Context.Account.ExtendedProperties", "secret-property"),
        ])
    func noOther(script: String, rule: String) {
        for behindWire in [false, true] {
            let verdict = Self.verdict(script, behindWire: behindWire, module: "pnp")
            #expect(verdict.decision == .ask, "\(verdict.rule): \(verdict.reason)")
            #expect(verdict.asking.contains { $0.rule == rule }, "\(verdict.asking.map(\.rule))")
        }
    }

    @Test("of an app's connection is its own with the same app, whatever it shows for it")
    func app() {
        var robot = Self.signIn.others[1]
        robot.connection = "Robot"
        let signIn = OwnSignIn(own: robot)
        for script in [
            "Connect-MgGraph -ClientId bbbbbbbb-0000-4000-8000-000000000002 -TenantId contoso.onmicrosoft.com "
                + "-CertificateThumbprint 0A1B",
            "Connect-ExchangeOnline -AppId $app -CertificateThumbprint $print -Organization contoso.onmicrosoft.com",
        ] {
            let verdict = Self.verdict(script, signIn: signIn)
            #expect(verdict.decision == .allow, "\(verdict.reason)")
        }
    }

    @Test(
        "stays what it was where nobody knows the connection, and for what isn't plainly the cmdlet",
        arguments: [
            "ExchangeOnlineManagement\\Connect-ExchangeOnline", "Install-Module Evil", "Install-Module Az",
            "Uninstall-Module Pester", "Register-PSRepository -Name Mine -SourceLocation https://x.example",
            "Set-PSResourceRepository -Name PSGallery -Uri https://x.example",
            "Install-Module Az\nUpdate-Module Az", "Connect-Something",
            "Save-Module Microsoft.Graph",
        ])
    func foreign(script: String) {
        #expect(Self.verdict(script).decision == .deny)
        let bare = Self.engine.judge(script: "Connect-ExchangeOnline", policy: .standard)
        #expect(bare.decision == .deny)
    }

    @Test(
        "asks as before about modules from paths and about what a splat can't tell",
        arguments: [
            "Import-Module ./Tools.psm1", "Import-Module $m", "Set-ExecutionPolicy Bypass", "Import-Module Evil",
        ])
    func asked(script: String) { #expect(Self.verdict(script).decision == .ask) }

    @Test("is mentioned once, by the cmdlets that have nothing to do")
    func notes() {
        let verdict = Self.verdict(
            "Connect-ExchangeOnline; Connect-ExchangeOnline; Get-Mailbox; Disconnect-ExchangeOnline")
        #expect(
            verdict.notes == ["Connect-ExchangeOnline is not needed: the connection Contoso is already signed in."])
    }

    @Test("denies no published report", arguments: try PublishedReports.names())
    func reports(name: String) throws {
        var own = SignInIdentity(connection: "Demo")
        own.tenants = ["5a4db0c5-7e11-4c02-9d0e-5a11db0c5e01", "contoso-sandbox.example"]
        own.accounts = ["admin@contoso-sandbox.example"]
        own.site = "contoso-sandbox"
        let script = try Fixture.text("scripts/\(name)")
        let module = String(name.prefix { $0 != "-" })
        for behindWire in [false, true] {
            let verdict = Self.verdict(script, behindWire: behindWire, module: module, signIn: OwnSignIn(own: own))
            // Nobody can type an answer where no walls are.
            let asksPerson = !behindWire && verdict.findings.first?.subject == "Read-Host"
            #expect(verdict.decision != .deny || asksPerson, "\(verdict.rule): \(verdict.reason)")
            #expect(
                !verdict.findings.contains { $0.classes.contains(.session) && $0.subject?.contains("Module") ?? false })
            if behindWire { #expect(verdict.decision == .allow, "\(verdict.rule): \(verdict.reason)") }
        }
    }
}

/// Reports as administrators publish them.
enum PublishedReports {
    /// The names of the reports beside the tests.
    static func names(file: String = #filePath) throws -> [String] {
        var parts = file.split(separator: "/", omittingEmptySubsequences: false)
        while let last = parts.last, last != "Tests" { parts.removeLast() }
        let path = (parts + ["Fixtures", "scripts"]).joined(separator: "/")
        guard let folder = opendir(path) else { throw MMError(.notFound, "The scripts in \(path) are missing.") }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasSuffix(".ps1") { names.append(name) }
        }
        return names.sorted()
    }
}

@Suite("Functions of a script's own", .timeLimit(.minutes(5)))
struct OwnFunctionTests {
    private let engine = GuardEngine()

    private func verdict(_ script: String, behindWire: Bool = false, memory: SessionMemory = .fresh) -> Verdict {
        engine.judge(
            script: script, in: ScriptContext(module: "exo", memory: memory, isBehindWire: behindWire),
            policy: .standard)
    }

    @Test(
        "are judged by their bodies, also those that are defined below their callers",
        arguments: [
            "function Get_Members { Get-DistributionGroupMember x }\nforeach ($g in Get-DistributionGroup) { Get_Members }",
            "function main { Get_Members }\nfunction Get_Members { Get-Mailbox ann }\nmain",
            "function a { b }\nfunction b { c }\nfunction c { Get-Mailbox ann }\na",
            "function Show_It($x) { Write-Host $x; Get-Date | Export-Csv x.csv }\nGet-Mailbox | ForEach-Object { Show_It $_ }",
        ])
    func reads(script: String) {
        let verdict = verdict(script)
        #expect(verdict.decision == .allow, "\(verdict.rule): \(verdict.reason)")
    }

    @Test(
        "that change many objects are asked about, wherever they are defined",
        arguments: [
            "function Set_All { Set-Mailbox $args -CustomAttribute1 x }\nforeach ($m in Get-Mailbox) { Set_All $m }",
            "function main { foreach ($m in Get-Mailbox) { Set_All $m } }\nfunction Set_All { Set-Mailbox $args -CustomAttribute1 x }\nmain",
            "function main { Set_All }\nfunction Set_All { Set-Mailbox $args -CustomAttribute1 x }\nforeach ($m in Get-Mailbox) { main }",
        ])
    func changes(script: String) {
        let verdict = verdict(script, behindWire: true)
        #expect(verdict.decision == .ask)
        #expect(verdict.rule == "bulk")
    }

    @Test(
        "that aren't there when they are called may be any program",
        arguments: [
            "function main { Stop-Everything }\nmain\nfunction Stop-Everything { }",
            "Stop-Everything\nfunction Stop-Everything { }", "function main { Stop-Everything }\nmain",
        ])
    func missing(script: String) { #expect(verdict(script).decision != .allow) }

    @Test("that nobody could read make a session no one that was confirmed, unless somebody confirmed them")
    func confirmed() {
        let read = "$d = [datetime]::Parse('2026-01-01').Foo()"
        let kept = engine.judgeInSession(
            script: read, parsed: PowerShellParser.parse(read), in: ScriptContext(module: "exo", isBehindWire: true),
            policy: .standard, confirmed: false)
        #expect(kept.verdict.decision == .allow)
        let reasons = verdict("Get-Mailbox ann", memory: kept.memory).findings.map(\.reason)
        #expect(!reasons.contains { $0.contains("a person confirmed") }, "\(reasons)")
        let asked = engine.judgeInSession(
            script: "iex $x", parsed: PowerShellParser.parse("iex $x"), in: ScriptContext(module: "exo"),
            policy: .standard, confirmed: false)
        let after = verdict("Get-Mailbox ann", memory: asked.memory)
        #expect(after.reason.contains("a person confirmed"))
    }
}

import MMCore
import PowerShellSyntax
import Testing

@testable import MMPowerShell

@Suite("A script's own sign-in in a session", .timeLimit(.minutes(10)))
struct OwnSignInSessionTests {
    /// A session whose connection matches its token; another known connection is for another tenant.
    private func session(_ module: String) throws -> PowerShellSession {
        var own = SignInIdentity(connection: "Contoso")
        own.tenants = [TestFeed.right.tenantID ?? "", "contoso.example"]
        own.accounts = [TestFeed.right.account ?? ""]
        own.site = "contoso"
        var other = SignInIdentity(connection: "Fabrikam")
        other.tenants = ["fabrikam.example"]
        var settings = PowerShellSessionSettings(
            host: try StandIn.settings(), profile: try ModuleProfiles.named(module), target: try ProfileTests.target(),
            tokens: TestFeed(.claims(TestFeed.right, lasts: .seconds(3600))))
        settings.ownSignIn = OwnSignIn(own: own, others: [other])
        return PowerShellSession(settings)
    }

    private func run(_ session: PowerShellSession, _ script: String) async throws(MMError) -> PowerShellAnswer {
        try await session.answer(PowerShellCommand(script), deadline: .after(.seconds(300)))
    }

    @Test(
        "does nothing, and leaves the session unchanged",
        arguments: [
            ("exo", "Connect-ExchangeOnline -ShowBanner:$false\n(Get-Mailbox).Count\nDisconnect-ExchangeOnline", 5),
            (
                "exo",
                "$o = @{ UserPrincipalName = 'admin@contoso.example'; Verbose = $false }\nConnect-ExchangeOnline @o\n(Get-Mailbox).Count",
                5
            ),
            ("graph", "Connect-MgGraph -NoWelcome\n@(Get-MgUser).Count\nDisconnect-MgGraph", 5),
            ("graph", "Connect-Graph -TenantId contoso.example\n@(Get-MgUser).Count", 5),
            ("teams", "Import-Module MicrosoftTeams\nConnect-MicrosoftTeams\n@(Get-Team).Count", 5),
            ("azure", "Login-AzAccount -Tenant contoso.example\n@(Get-AzSubscription).Count", 5),
            ("pnp", "Connect-PnPOnline https://contoso.sharepoint.com/sites/x -Interactive\n@(Get-PnPList).Count", 5),
        ])
    func own(module: String, script: String, count: Int) async throws {
        let session = try session(module)
        for _ in 0..<2 {
            let answer = try await run(session, script)
            #expect(answer.values.contains(.int(Int64(count))), "\(answer.values) \(answer.problem ?? "")")
            #expect(answer.isClean, "\(answer.problem ?? "")")
        }
        try await session.checkHealth(deadline: .after(.seconds(300)))
        #expect(await session.report.phase == .ready)
        await session.close()
    }

    @Test("one for another account throws before anything else runs, with the guard's message")
    func another() async throws {
        let session = try session("exo")
        let answer = try await run(
            session, "$t = 'fabrikam' + '.example'\nConnect-ExchangeOnline -Organization $t\n(Get-Mailbox).Count")
        #expect(answer.values.isEmpty)
        #expect(
            answer.problem?.contains(
                "Connect-ExchangeOnline asks for the tenant fabrikam.example, but this session belongs to the connection Contoso. "
                    + "Use the connection Fabrikam.") == true, "\(answer.problem ?? "")")
        #expect(try await run(session, "(Get-Mailbox).Count").values == [5])
        await session.close()
    }

    @Test("names the permissions that the sign-in lacks")
    func scopes() {
        let lacking = OwnSignIn.lacking(
            ["User.Read.All", "https://graph.microsoft.com/Group.Read.All", "openid", "Mail.Send"],
            of: ["User.ReadWrite.All", "Group.Read.All"])
        #expect(lacking == ["Mail.Send"])
    }

    @Test("parameters are recognised by one table, in full and abbreviated")
    func table() throws {
        let script = PowerShellParser.parse(OwnSignInScript.text)
        #expect(script.errors.isEmpty, "\(script.errors)")
        let graph = try #require(SignInCmdlet.named("connect-graph"))
        #expect(graph.role(of: "CertificateT")?.isCredential == true)
        #expect(graph.role(of: "Cert")?.isCredential == true)
        #expect(graph.role(of: "Environment") == nil)
        #expect(graph.role(of: "TenantId") == .tenant)
        let command = OwnSignInScript.command(OwnSignIn(own: SignInIdentity(connection: "C")), module: "exo")
        #expect(OwnSignInScript.rule(of: command)?.signIn.own.connection == "C")
        #expect(OwnSignInScript.rule(of: PowerShellCommand("1")) == nil)
    }
}

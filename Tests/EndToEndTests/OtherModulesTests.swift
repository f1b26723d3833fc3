import MMCore
import Testing

@Suite("Scripts of several modules", .timeLimit(.minutes(15)))
struct OtherModulesTests {
    private func run(_ tenant: Tenant, _ script: String, _ flags: String...) async throws -> Tenant.Ran {
        try await tenant.mm(["run", "Demo", script, "--json"] + flags)
    }

    @Test("run in the session of one module, and call the cmdlets of the others in theirs")
    func reads() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        let ran = try await run(
            tenant,
            """
            Connect-AzAccount; Connect-MgGraph
            foreach ($user in Get-MgUser -All -Property DisplayName,UserPrincipalName | Select-Object -First 2) {
                $box = Get-Mailbox -Identity $user.UserPrincipalName
                [pscustomobject]@{ Sub = (Get-AzSubscription).Name; User = $user.DisplayName; Box = $box.PrimarySmtpAddress }
            }
            """)
        #expect(ran.code == 0, "\(ran.error)")
        let rows = try #require(ran.json?.array)
        #expect(rows.count == 2 && rows.allSatisfy { $0["Sub"] == "Contoso Sandbox Test" }, "\(rows)")
        #expect(rows[0]["Box"] == "admin@contoso-sandbox.example", "\(rows)")
        let reverse = try await run(
            tenant, "Get-MgUser -Top 1 | Select-Object DisplayName; Get-Team | Select-Object -First 1 DisplayName")
        #expect(reverse.json?.array?.count == 2, "\(reverse)")
        await tenant.stop()
    }

    @Test("pipe from one module into another")
    func pipes() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        let ran = try await run(
            tenant,
            "$null = Get-AzSubscription; 'admin@contoso-sandbox.example' | Get-Mailbox | Select-Object PrimarySmtpAddress"
        )
        #expect(ran.json?[0]?["PrimarySmtpAddress"] == "admin@contoso-sandbox.example", "\(ran)")
        await tenant.stop()
    }

    @Test("handle an error of another session like one of their own")
    func errors() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        let ended = try await run(tenant, "$null = Get-AzSubscription; Get-MgUser -UserId nobody@nowhere.example")
        #expect(ended.code == 1 && ended.error.contains("does not exist"), "\(ended)")
        let caught = try await run(
            tenant,
            "$null = Get-AzSubscription; try { Get-MgUser -UserId nobody@nowhere.example -ErrorAction Stop } catch { 'caught' }"
        )
        #expect(caught.code == 0 && caught.output.contains("caught"), "\(caught)")
        await tenant.stop()
    }

    @Test("are confirmed as a whole, change what was shown, and can be undone")
    func writes() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        let user = "ben.baker@contoso-sandbox.example"
        let held = try await run(tenant, "$null = Get-AzSubscription; Remove-MgUser -UserId \(user)")
        #expect(held.code == 5 && held.error.contains("Remove-MgUser"), "\(held)")
        let shown = try await run(tenant, "$null = Get-AzSubscription; Remove-MgUser -UserId \(user)", "--dry-run")
        #expect(shown.code == 0 && (shown.error + shown.output).contains("Remove-MgUser -UserId '\(user)'"), "\(shown)")
        let written = try await run(
            tenant,
            "$null = Get-AzSubscription; Update-MgUser -UserId \(user) -JobTitle 'Chief'; (Get-MgUser -UserId \(user)).JobTitle"
        )
        #expect(written.code == 0 && written.json?[0] == "Chief", "\(written)")
        let changes = try await tenant.mm(["undo", "list", "--json"])
        #expect(changes.output.contains("jobTitle"), "\(changes)")
        await tenant.stop()
    }

    @Test("ask for the sign-ins that they need before anything runs")
    func signIn() async throws {
        let tenant = try await Tenant()
        let asked = try await run(tenant, "Get-AzSubscription | Select-Object Name; Get-MgUser -Top 1")
        #expect(asked.code == 3 && asked.failure?["details"]?["userCode"]?.string?.isEmpty == false, "\(asked)")
        await tenant.stop()
    }
}

import MMCore
import MMSandbox
import PowerShellSyntax
import Testing

@testable import MMOperations

@Suite("Scripts that sign in by themselves", .timeLimit(.minutes(10)))
struct OwnSignInRunTests {
    private func run(_ script: String, in home: ChangesHome, module: String? = nil) async throws -> OperationAnswer {
        var arguments: JSONObject = ["connection": "Demo", "command": .string(script), "output": "json"]
        if let module { arguments["module"] = .string(module) }
        return try await home.call("run", arguments)
    }

    @Test("run natively, signed in already, in the module that they tell")
    func native() async throws {
        let home = try await ChangesHome()
        defer { Task { await home.stop() } }
        let script = """
            #Requires -Modules ExchangeOnlineManagement
            if (-not (Get-Module -ListAvailable -Name ExchangeOnlineManagement)) { Install-Module ExchangeOnlineManagement }
            Import-Module ExchangeOnlineManagement
            $options = @{ UserPrincipalName = 'admin@contoso-sandbox.example'; ShowBanner = $false }
            Connect-ExchangeOnline @options
            Get-Mailbox -ResultSize 2 | Select-Object DisplayName
            Disconnect-ExchangeOnline -Confirm:$false
            """
        let answer = try await run(script, in: home)
        #expect(ChangesHome.value(answer).array?.count == 2)
        #expect(!answer.notes.contains { $0.contains("ERROR") }, "\(answer.notes)")
        #expect(answer.notes.contains { $0.contains("the connection Demo is already signed in") }, "\(answer.notes)")
        let again = try await run("(Get-Mailbox -ResultSize 1).Count", in: home)
        #expect(ChangesHome.value(again).array == [1])
    }

    @Test("find the module of a cmdlet that the native engine has itself")
    func moduleOfEngine() async throws {
        let home = try await ChangesHome()
        defer { Task { await home.stop() } }
        let script = """
            #Requires -Modules ImportExcel, ExchangeOnlineManagement
            Import-Module ImportExcel
            if (-not (Get-Module -ListAvailable -Name ImportExcel)) { 'missing' }
            (Get-Mailbox -ResultSize 2).Count
            """
        let answer = try await run(script, in: home)
        #expect(ChangesHome.value(answer).array == [2])
        #expect(!answer.notes.contains { $0.contains("ERROR") }, "\(answer.notes)")
    }

    @Test(
        "go on where they sign in to Exchange as scripts did of old, and no password is asked for",
        arguments: [
            """
            $UserCredential = Get-Credential -Message 'Your admin account'
            $Session = New-PSSession -ConfigurationName Microsoft.Exchange -ConnectionUri https://outlook.office365.com/powershell-liveid/ -Credential $UserCredential -Authentication Basic -AllowRedirection
            Import-PSSession $Session -DisableNameChecking | Out-Null
            if ($Session.State -ne 'Opened') { exit 2 }
            (Get-Mailbox -ResultSize 2).Count
            Remove-PSSession $Session
            """,
            """
            $URL = "https://ps.outlook.com/powershell"
            $global:cred = Get-Credential admin@contoso-sandbox.example
            $EXO = New-PSSession -ConfigurationName Microsoft.Exchange `
                -ConnectionUri $URL -Credential $global:cred -Authentication Basic -AllowRedirection -Name "Exchange Online"
            Import-Module (Import-PSSession $EXO -AllowClobber) -Global
            (Get-Mailbox -ResultSize 2).Count
            Get-PSSession | Remove-PSSession
            """,
            """
            $session = New-PSSession -ConnectionUri 'https://outlook.office365.com/powershell-liveid/' -Credential $credential
            Import-PSSession $session
            (Get-Mailbox -ResultSize 2).Count
            """,
            "$c = Get-Credential; Connect-ExchangeOnline -Credential $c -ShowBanner:$false; (Get-Mailbox -ResultSize 2).Count",
            "Connect-EXOPSSession -UserPrincipalName admin@contoso-sandbox.example; (Get-Mailbox -ResultSize 2).Count",
        ])
    func former(script: String) async throws {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        let answer = try await run(script, in: home)
        #expect(ChangesHome.value(answer).array == [2])
        #expect(answer.notes.contains { $0.contains("the connection Demo is already signed in") }, "\(answer.notes)")
    }

    @Test(
        "stay as they are where the session or the password is another's",
        arguments: [
            "$s = New-PSSession -ComputerName server1; Import-PSSession $s",
            "$s = New-PSSession -ConfigurationName Microsoft.Exchange -ConnectionUri http://mail.contoso.local/powershell; Import-PSSession $s",
            "$s = New-PSSession -ConnectionUri https://outlook.office365.com/powershell-liveid/; Import-PSSession $s -Prefix Cloud",
            "$s = New-PSSession -ConnectionUri https://outlook.office365.com/powershell-liveid/; Invoke-Command -Session $s { Get-Mailbox }",
            "$c = Get-Credential; Connect-ExchangeOnline -Credential $c; Connect-MsolService -Credential $c",
            "$a = Get-Credential; $b = Get-Credential; Connect-ExchangeOnline -Credential $a; Connect-ExchangeOnline -Credential $b",
            "$c = Get-Credential admin@fabrikam.com; Connect-ExchangeOnline -Credential $c",
            "$c = New-Object PSCredential('admin', $p); Connect-ExchangeOnline -Credential $c",
            "$c = Get-Credential; $c.UserName",
            "param($c) Connect-ExchangeOnline -Credential $c; $x = Get-Credential",
            "if ($x) { $c = Get-Credential } else { $c = Import-Clixml c.xml }; Connect-ExchangeOnline -Credential $c",
        ])
    func others(script: String) throws {
        var own = SignInIdentity(connection: "Demo")
        own.accounts = ["admin@contoso.com"]
        let read = try FormerSignIn(script) { () throws(MMError) in own }
        #expect(read.text == script)
        #expect(read.notes.isEmpty)
    }

    @Test("find themselves signed in")
    func state() async throws {
        let home = try await ChangesHome()
        defer { Task { await home.stop() } }
        let answer = try await run("Connect-ExchangeOnline; Get-ConnectionInformation", in: home)
        let row = try #require(ChangesHome.value(answer).array?.first)
        #expect(row["State"]?.string == "Connected")
        #expect(row["TokenStatus"]?.string == "Active")
        #expect(row["UserPrincipalName"]?.string == "admin@contoso-sandbox.example")
        #expect(row["TenantID"]?.string == "5a4db0c5-7e11-4c02-9d0e-5a11db0c5e01")
        #expect(row["Name"]?.string == "ExchangeOnline_1")
        let context = try await run(
            "Connect-MgGraph -Scopes User.Read; (Get-MgContext).TenantId; Get-Mailbox -ResultSize 1 | Out-Null",
            in: home)
        #expect(ChangesHome.value(context).array?.first?.string == "5a4db0c5-7e11-4c02-9d0e-5a11db0c5e01")
        let left = try await run(
            "Connect-MgGraph -NoWelcome; (Disconnect-MgGraph).TenantId; Disconnect-MgGraph | Out-Null", in: home)
        #expect(ChangesHome.value(left).array == ["5a4db0c5-7e11-4c02-9d0e-5a11db0c5e01"])
        let versions = try await run("(Get-Module ExchangeOnlineManagement).Version.Major", in: home, module: "exo")
        #expect(ChangesHome.value(versions).array == [3])
    }

    @Test("are refused for another tenant, by the guard or by the cmdlet itself, before anything else runs")
    func another() async throws {
        let home = try await ChangesHome()
        defer { Task { await home.stop() } }
        try home.edit { entries in
            var entry = entries["Demo"]?.object ?? [:]
            entry["tenant"] = "fabrikam.example"
            entry["tenantId"] = "99999999-7e11-4c02-9d0e-5a11db0c5e01"
            entry["expectedEmail"] = "admin@fabrikam.example"
            entries["Fabrikam"] = .object(entry)
        }
        let denied = await #expect(throws: MMError.self) {
            try await run("Connect-ExchangeOnline -UserPrincipalName admin@fabrikam.example; Get-Mailbox", in: home)
        }
        #expect(denied?.description.contains("Use the connection Fabrikam.") == true, "\(denied as Any)")
        let late = await #expect(throws: MMError.self) {
            try await run(
                """
                $mail = 'admin@' + (Get-Mailbox -ResultSize 1).Alias + '.example'
                Connect-ExchangeOnline -UserPrincipalName $mail
                Set-Mailbox admin@contoso-sandbox.example -CustomAttribute1 wrong
                """, in: home)
        }
        #expect(late?.description.contains("belongs to the connection Demo") == true, "\(late as Any)")
        let kept = try await run("(Get-Mailbox admin@contoso-sandbox.example).CustomAttribute1", in: home)
        #expect(ChangesHome.value(kept).array?.first?.string != "wrong")
    }

    @Test("with cmdlets of several modules call those of other sessions, and without the wire say what to do")
    func several() async throws {
        let home = try await ChangesHome()
        defer { Task { await home.stop() } }
        let script = "(Get-Mailbox -ResultSize 1).Alias; (Get-CsTenant).TenantId"
        #expect(ChangesHome.value(try await run(script, in: home)).array == ["admin", .string(TenantIdentity.id)])
        try home.edit { entries in
            var entry = entries["Demo"]?.object ?? [:]
            entry["egress"] = "off"
            entries["Demo"] = .object(entry)
        }
        let error = await #expect(throws: MMError.self) { try await run(script, in: home) }
        #expect(error?.code == .invalidInput)
        #expect(error?.message.contains("exo (Get-Mailbox)") == true && error?.hint?.contains("egress=") == true)
    }
}

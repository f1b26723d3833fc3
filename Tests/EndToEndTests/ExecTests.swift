import Glibc
import MMCore
import MMSessions
import MMShell
import MMSystem
import TestSupport
import Testing

/// The requirements of `mm exec` that this machine meets.
private enum ExecMeans {
    static let suffice = SandboxProfile.proxyProblem() == nil
}

@Suite(
    "Programs that mm exec runs", .timeLimit(.minutes(15)),
    .enabled(if: ExecMeans.suffice, "needs Landlock and the right to create a network namespace"))
struct ExecTests {
    private static let token = """
        T=$(curl -sS -H "X-IDENTITY-HEADER: $IDENTITY_HEADER" "$IDENTITY_ENDPOINT?resource=https://graph.microsoft.com" \
        | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')

        """

    private static func signedIn() async throws -> Tenant {
        let tenant = try await Tenant()
        try await tenant.signIn()
        return tenant
    }

    @Test("input, output, errors and the exit code are those of the program")
    func streams() async throws {
        let tenant = try await Self.signedIn()
        let ran = try await tenant.mm(
            ["exec", "Demo", "--", "sh", "-c", "cat; echo problem >&2; exit 7"], input: "what comes in\n")
        #expect(ran.code == 7 && ran.output == "what comes in\n" && ran.error.hasPrefix("problem\n"), "\(ran)")
        let late = try await tenant.mm(["exec", "Demo", "--timeout", "1", "--", "sleep", "300"])
        #expect(late.code == 6, "\(late)")
        let read = try await tenant.mm([
            "exec", "Demo", "--", "sh", "-c",
            Self.token + "curl -sS -H \"Authorization: Bearer $T\" https://graph.microsoft.com/v1.0/me",
        ])
        #expect(read.json?["userPrincipalName"] == "admin@contoso-sandbox.example", "\(read)")
        await tenant.stop()
    }

    @Test(
        "names of a vault and blobs of an account are read at their own hosts; reading a secret value is held, with the vault's name"
    )
    func dataPlanes() async throws {
        let tenant = try await Self.signedIn()
        let script = """
            token() { curl -sS -H "X-IDENTITY-HEADER: $IDENTITY_HEADER" "$IDENTITY_ENDPOINT?resource=$1" \
            | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/'; }
            V=$(token https://vault.azure.net); B=$(token https://storage.azure.com)
            curl -sS -H "Authorization: Bearer $V" 'https://kvweb.vault.azure.net/secrets?api-version=7.4'; echo
            curl -sS -H "Authorization: Bearer $B" -H 'x-ms-version: 2021-08-06' \
            'https://saweb.blob.core.windows.net/logs?restype=container&comp=list'; echo
            curl -sS -H "Authorization: Bearer $V" 'https://kvweb.vault.azure.net/secrets/smtp-relay?api-version=7.4'; echo
            curl -sS -H "Authorization: Bearer $B" 'https://kvweb.vault.azure.net/secrets?api-version=7.4'
            """
        let ran = try await tenant.mm(["exec", "Demo", "--", "sh", "-c", script])
        let lines = ran.output.split(separator: "\n")
        #expect(lines.first?.contains("https://kvweb.vault.azure.net/secrets/smtp-relay") == true, "\(ran)")
        #expect(ran.output.contains("<Name>2026/01/app.log</Name>"), "\(ran)")
        #expect(ran.output.contains("https://kvweb.vault.azure.net/secrets/smtp-relay?api-version=7.4 was not sent"))
        #expect(!ran.output.contains("sandbox~kvweb"), "\(ran)")
        #expect(lines.last?.contains("placeholder_at_other_host") == true, "\(ran)")
        await tenant.stop()
    }

    @Test("in a terminal the program gets its own one, with job control; the person there is asked, and jobs continue")
    func terminal() async throws {
        let tenant = try await Self.signedIn()
        let script =
            Self.token
            + "curl -sS -o /dev/null -w 'answer %{http_code}\\n' -X PATCH -H \"Authorization: Bearer $T\" "
            + "-H 'Content-Type: application/json' -d '{\"city\":\"Ulm\"}' https://graph.microsoft.com/v1.0/me\n"
        let dialog = try await tenant.dialog(
            ["exec", "Demo", "--", "bash", "--norc", "-i"],
            [
                // The program that answers the key is in the foreground when it has said so.
                ("# ", "sh -c 'stty size; echo rea\"\"dy; exec sleep 300'\n"), ("ready", "\u{3}"),
                ("# ", "echo \"rc=$?\"\n"), ("rc=130", script),
                ("Type yes", "yes\n"), ("answer 204", "exit 9\n"),
            ], ["PS1": "# "])
        #expect(dialog.code == 9 && dialog.text.contains("24 80") && !dialog.text.contains("Stopped"), "\(dialog.text)")
        let listed = try await tenant.mm(["undo", "list", "--json"])
        #expect(listed.output.contains("city"), "\(listed)")
        await tenant.stop()
    }

    @Test("however mm ends, the program and its children end too", arguments: [SIGKILL, SIGTERM, SIGINT])
    func ended(_ signal: Int32) async throws {
        let tenant = try await Self.signedIn()
        let command = ChildCommand(
            Programs.mm, ["exec", "Demo", "--", "bash", "-c", "sleep 300 & setsid sleep 300 & echo up; sleep 300"],
            environment: tenant.home.environment.merging(["LC_TEST": tenant.home.path]) { $1 })
        let child = try await ChildProcess.start(command)
        var text: [UInt8] = []
        while !text.contains(0x0A), let piece = try await child.output?.read() { text += piece }
        // A process that is just becoming a program shows no environment.
        try await waitUntil { Self.processes(of: tenant).count >= 3 }
        child.signal(signal)
        #expect(await child.exit().code == 128 + signal)
        while !Self.processes(of: tenant).isEmpty { try await Task.sleep(for: .milliseconds(20)) }
        await tenant.stop()
    }

    /// The programs that used a tenant's connection.
    private static func processes(of tenant: Tenant) -> [Int32] {
        ProcFile.numericNames(in: "/proc").filter { process in
            let words = ProcFile.read("/proc/\(process)/environ", limit: 1 << 20)?.split(separator: 0) ?? []
            // What the caller passes on distinguishes tests that run in parallel.
            return words.contains { $0.elementsEqual("LC_TEST=\(tenant.home.path)".utf8) }
                && words.contains { $0.elementsEqual("MM_SESSION=Demo/exec".utf8) }
        }
    }

    @Test("a connection can come from a job's variables, which the program doesn't get")
    func job() async throws {
        let tenant = try await Tenant()
        let job = [
            "AZURE_CLIENT_ID": "5a4db0c5-0000-4000-8000-00000000a002",
            "AZURE_TENANT_ID": "5a4db0c5-7e11-4c02-9d0e-5a11db0c5e01",
            "AZURE_CLIENT_SECRET": "sandbox~automation~secret", "MM_SANDBOX_URL": tenant.base,
        ]
        let ran = try await tenant.mm(
            [
                "exec", "env:", "--", "sh", "-c",
                "env | grep -c automation; " + Self.token
                    + "curl -sS -H \"Authorization: Bearer $T\" 'https://graph.microsoft.com/v1.0/users?$top=1'",
            ], extra: job)
        #expect(ran.code == 0 && ran.output.hasPrefix("0\n") && ran.output.contains("userPrincipalName"), "\(ran)")
        // A second job with another credential uses nothing of the first.
        let wrong = try await tenant.mm(
            ["exec", "env:", "--", "true"], extra: job.merging(["AZURE_CLIENT_SECRET": "another"]) { $1 })
        #expect(wrong.code != 0 && wrong.error.contains("AADSTS7000215"), "\(wrong)")
        await tenant.stop()
    }

    @Test("a job's tokens are in no file while its program runs, and other connections keep theirs")
    func jobsTokens() async throws {
        let tenant = try await Tenant()
        let added = try await tenant.mm([
            "connections", "duplicate", "Demo", "environment",
        ])
        try #require(added.code == 0, "\(added)")
        try await tenant.signIn("environment")
        let folder = tenant.home.path + "/.mm-graph-tokens"
        func files() throws -> [String: [UInt8]] {
            var files: [String: [UInt8]] = [:]
            for name in try FolderListing.names(in: folder) where name.hasSuffix(".json") {
                files[name] = try ProtectedFile.read("\(folder)/\(name)")
            }
            return files
        }
        let before = try files()
        let job = [
            "AZURE_CLIENT_ID": "5a4db0c5-0000-4000-8000-00000000a002",
            "AZURE_TENANT_ID": "5a4db0c5-7e11-4c02-9d0e-5a11db0c5e01",
            "AZURE_CLIENT_SECRET": "sandbox~automation~secret", "MM_SANDBOX_URL": tenant.base,
        ]
        let work = try TestHome()
        async let ran = tenant.mm(
            [
                "exec", "env:", "--write", work.path, "--", "sh", "-c",
                Self.token + "echo \"$T\" > \(work.path)/has; until [ -e \(work.path)/go ]; do sleep 0.1; done",
            ], extra: job)
        #expect(await eventually { (try? ProtectedFile.read("\(work.path)/has"))?.isEmpty == false })
        let during = try files()
        try work.write("\(work.path)/go", [])
        #expect(try await ran.code == 0)
        #expect(during == before && !before.isEmpty)
        #expect(try await tenant.mm(["login", "environment"]).code == 0)
        await tenant.stop()
    }

    /// The folder with Azure's Python packages (Scripts/python-clients).
    private static let azure = Programs.packageFolder + "/.build/python-azure/bin"
    private static let trials = [
        ("curl", "curl", "/usr/bin"), ("az", "az", azure), ("azure-identity", "python3", azure),
        ("msal", "python3", Programs.packageFolder + "/.build/python/bin"), ("httpx", "python3", azure),
        ("msgraph-sdk", "python3", azure),
    ]

    @Test(
        "a documented tool signs in and reads as the documentation says", arguments: trials)
    func tools(_ tool: String, _ program: String, _ folder: String) async throws {
        let path = "\(folder):/usr/local/bin:/usr/bin:/bin"
        guard ExecutableSearch.find(program, path: path) != nil else {
            print("skipped: \(tool) is not installed")
            return
        }
        let tenant = try await Self.signedIn()
        let ran = try await tenant.mm(["doctor", "exec", tool], extra: ["PATH": path])
        let line = ran.output.split(separator: "\n").first { $0.contains(" \(tool) ") } ?? ""
        #expect(ran.code == 0 && line.hasPrefix("ok"), "\(ran)")
        if line.contains("not installed") { print("skipped: \(tool) is not installed") }
        await tenant.stop()
    }

    @Test("PowerShell's modules sign in with the identity and read, and their changes are held")
    func modules() async throws {
        let tenant = try await Self.signedIn()
        let programs = try TestHome()
        let pwsh = "\(programs.path)/pwsh"
        try programs.write(pwsh, Array("#!/bin/sh\nexec \(Programs.mmSandbox) pwsh \"$@\"\n".utf8))
        #expect(chmod(pwsh, 0o755) == 0)
        let built = Programs.mmSandbox.split(separator: "/").dropLast().joined(separator: "/")
        func run(_ text: String) async throws -> Tenant.Ran {
            try await tenant.mm(
                ["exec", "Demo", "--read", "/\(built)", "--", "pwsh", "-NoProfile", "-Command", text],
                extra: ["PATH": "\(programs.path):/usr/bin:/bin"])
        }
        let graph = try await run("Connect-MgGraph -Identity; Get-MgUser | Select-Object -First 1 -ExpandProperty Mail")
        #expect(graph.code == 0 && graph.output.contains("@contoso-sandbox.example"), "\(graph)")
        let azure = try await run(
            "Connect-AzAccount -Identity; Get-AzResourceGroup; Get-AzKeyVaultSecret -VaultName kvweb")
        #expect(azure.code == 0 && azure.output.contains("rg-web") && azure.output.contains("smtp-relay"), "\(azure)")
        let change = "Invoke-MgGraphRequest -Method PATCH -Uri /v1.0/me -Body '{\"city\":\"Ulm\"}'"
        let held = try await run("Connect-MgGraph -Identity; \(change)")
        #expect(held.code == 1 && held.error.contains("was not sent") && held.error.contains("mm confirm"), "\(held)")
        await tenant.stop()
    }

    @Test("each of 200 changes is held, and none reaches a service")
    func manyChanges() async throws {
        let tenant = try await Self.signedIn()
        let graph = "https://graph.microsoft.com/v1.0"
        let arm = "https://management.azure.com/subscriptions/5a4db0c5-5ab5-4000-8000-000000000001"
        let nouns = [
            "users", "groups", "applications", "servicePrincipals", "devices", "domains", "oauth2PermissionGrants",
            "teams",
            "chats", "identity/conditionalAccess/policies", "roleManagement/directory/roleAssignments", "subscriptions",
            "deviceManagement/deviceConfigurations", "deviceAppManagement/mobileApps", "planner/plans", "sites",
            "contacts",
            "directory/administrativeUnits", "external/connections", "schemaExtensions", "print/printers", "agreements",
            "communications/calls", "invitations", "directoryRoles", "policies/tokenLifetimePolicies", "places",
            "drives", "shares", "security/alerts_v2", "education/classes", "bookings", "informationProtection/policies",
            "organization", "appCatalogs/teamsApps", "reports/partners", "solutions/backupRestore", "users/1/messages",
            "users/1/events", "users/1/contacts", "users/1/todo/lists", "users/1/calendars", "users/1/drive/items",
            "users/1/appRoleAssignments", "users/1/authentication/methods", "groups/1/members", "groups/1/owners",
            "groups/1/threads", "teams/1/channels", "teams/1/channels/2/messages", "applications/1/owners",
            "sites/1/lists", "sites/1/permissions", "groups/1/events", "me/onlineMeetings", "me/mailFolders",
        ]
        let kinds = [
            "resourceGroups/rg-new", "resourceGroups/r/providers/Microsoft.Resources/deployments/d",
            "resourceGroups/r/providers/Microsoft.Storage/storageAccounts/s",
            "providers/Microsoft.Authorization/locks/l",
            "resourceGroups/r/providers/Microsoft.KeyVault/vaults/v",
            "providers/Microsoft.Authorization/roleAssignments/a",
            "resourceGroups/r/providers/Microsoft.Compute/virtualMachines/v",
            "providers/Microsoft.Insights/diagnosticSettings/d",
            "resourceGroups/r/providers/Microsoft.Network/virtualNetworks/n", "providers/Microsoft.Security/pricings/p",
            "resourceGroups/r/providers/Microsoft.Web/sites/w",
        ]
        var changes = nouns.flatMap { noun in
            [("POST", "\(graph)/\(noun)"), ("PATCH", "\(graph)/\(noun)/1"), ("DELETE", "\(graph)/\(noun)/1")]
        }
        changes += kinds.flatMap { kind in
            ["PUT", "PATCH", "DELETE"].map { ($0, "\(arm)/\(kind)?api-version=2023-01-01") }
        }
        #expect(changes.count > 200)
        let config = changes.prefix(200).map { method, address in
            """
            url = "\(address)"
            request = \(method)
            data = "{}"
            header = "Content-Type: application/json"
            header = "Authorization: Bearer \(address.hasPrefix(arm) ? "ARM" : "GRAPH")"
            output = /dev/null
            write-out = "%{http_code}\\n"
            silent
            """
        }.joined(separator: "\nnext\n")
        let script = """
            token() { curl -sS -H "X-IDENTITY-HEADER: $IDENTITY_HEADER" "$IDENTITY_ENDPOINT?resource=$1" \
            | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/'; }
            G=$(token https://graph.microsoft.com); A=$(token https://management.azure.com)
            sed "s/Bearer GRAPH/Bearer $G/; s/Bearer ARM/Bearer $A/" | curl -K -
            """
        let ran = try await tenant.mm(["exec", "Demo", "--", "sh", "-c", script], input: config)
        let statuses = ran.output.split(separator: "\n")
        #expect(statuses.count == 200 && statuses.allSatisfy { $0 == "403" }, "\(ran)")
        #expect(ran.error.contains("200 requests were held back and not sent:"), "\(ran.error)")
        let reached = try await tenant.control("GET", "requests")["requests"]?.array ?? []
        #expect(
            !reached.contains { $0["method"] != "GET" && $0["path"]?.string?.contains("oauth2") == false }, "\(reached)"
        )
        await tenant.stop()
    }

    @Test(
        "a tool that isn't installed is reported with where to get it, with and without a sandbox"
    )
    func absent() async throws {
        let home = try TemporaryHome()
        let ran = try await Tenant.run(
            Programs.mm, ["doctor", "exec"], home.environment.merging(["PATH": "/nowhere"]) { $1 })
        for (tool, place) in [("terraform", "hashicorp.com"), ("m365", "npm install"), ("az", "pip install azure-cli")]
        {
            let line = ran.output.split(separator: "\n").first { $0.contains(" \(tool) ") } ?? ""
            #expect(line.contains("not installed") && line.contains(place), "\(ran)")
        }
        #expect(ran.output.contains("no connection to a sandbox tenant"))
    }
}

package import MMCore

/// Microsoft Graph: Microsoft.Graph.Authentication and the modules that load automatically.
package struct GraphProfile: ModuleProfile {
    /// Creates the profile.
    package init() {}

    package let name = "graph"
    package let title = "Microsoft Graph PowerShell"
    package let requirement = ModuleRequirement.module(name: "Microsoft.Graph.Authentication", least: "2.25.0")
    package let methods: [SignInMethodKind] = [.tokens, .certificate, .managedIdentity, .device]
    package let prompt = PromptWords(near: ["to sign in", "devicelogin", "to authenticate"], stream: .output)
    package let traps = [
        "Its submodules hold thousands of cmdlets each; the service itself is faster: mm graph."
    ]

    package func resources(for target: ModuleSignInTarget) throws(MMError) -> [TokenResource] {
        [TokenResource(.graph)]
    }

    package func connect(_ target: ModuleSignInTarget, by method: ModuleSignInMethod) throws(MMError)
        -> PowerShellCommand
    {
        var parameters: [String: PowerShellValue] = ["Environment": .json(.string(target.cloud.graph))]
        let how: String
        switch method {
        case .tokens(let tokens):
            parameters["Token"] = .secret(try token(.graph, in: tokens).token)
            how = "-AccessToken (ConvertTo-SecureString $Token -AsPlainText -Force)"
        case .device:
            parameters["Tenant"] = .json(.string(try target.anyTenant()))
            if let app = target.appID { parameters["AppId"] = .json(.string(app)) }
            // An app of the connection's own gets what it was registered for; the publisher's gets what is asked for.
            if target.appID == nil, !target.scopes.isEmpty {
                parameters["Scopes"] = .json(.array(target.scopes.map { .string($0) }))
            }
            how = "-UseDeviceCode -ContextScope Process -TenantId $Tenant"
        case .certificate(let path, let password):
            parameters["AppId"] = .json(.string(try target.app()))
            parameters["Tenant"] = .json(.string(try target.anyTenant()))
            parameters["Path"] = .json(.string(path))
            parameters["Password"] = .secret(password ?? Secret(""))
            how =
                "-ContextScope Process -TenantId $Tenant -Certificate ([System.Security.Cryptography.X509Certificates.X509Certificate2]::new($Path, $Password))"
        case .managedIdentity(let client):
            if let client { parameters["AppId"] = .json(.string(client)) }
            how = "-Identity -ContextScope Process"
        case .federated:
            throw cannot(method, "the module has no parameter for it")
        }
        return PowerShellCommand(
            """
            param($Environment, $Token, $Tenant, $AppId, $Scopes, $Path, $Password)
            $more = @{}
            if ($Scopes) { $more.Scopes = $Scopes }
            if ($AppId) { $more.ClientId = $AppId }
            Microsoft.Graph.Authentication\\Connect-MgGraph \(how) -Environment $Environment -NoWelcome @more -ErrorAction Stop
            """, parameters: parameters, isLocal: true)
    }

    package var identity: PowerShellCommand? {
        PowerShellCommand(
            "Get-MgContext -ErrorAction Stop | Select-Object Account, TenantId, ClientId", isLocal: true)
    }

    package func readIdentity(_ records: [JSONValue]) -> TokenClaims? {
        guard let row = records.last, let tenant = text(row, "TenantId") else { return nil }
        return TokenClaims(account: text(row, "Account"), tenantID: tenant, appID: text(row, "ClientId"))
    }

    package var health: PowerShellCommand {
        PowerShellCommand(
            "Get-MgContext -ErrorAction Stop | Select-Object Account, TenantId, ClientId", isLocal: true)
    }

    package func isHealthy(_ records: [JSONValue]) -> Bool { readIdentity(records) != nil }

    package var disconnect: PowerShellCommand {
        PowerShellCommand("$null = Microsoft.Graph.Authentication\\Disconnect-MgGraph", isLocal: true)
    }
}

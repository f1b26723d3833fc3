package import MMCore

/// SharePoint: PnP.PowerShell.
package struct PnPProfile: ModuleProfile {
    /// Creates the profile.
    package init() {}

    package let name = "pnp"
    package let title = "PnP PowerShell (SharePoint)"
    package let requirement = ModuleRequirement.module(name: "PnP.PowerShell", least: "3.1.0")
    package let environment = ["PNPPOWERSHELL_UPDATECHECK": "Off", "PNPPOWERSHELL_DISABLETELEMETRY": "true"]
    package let methods: [SignInMethodKind] = [.tokens, .certificate, .federated, .managedIdentity]
    package let prompt = PromptWords(
        near: ["authenticate using code", "copied to your clipboard", "open a browser", "devicelogin"],
        stream: .warning)
    package let traps = [
        "People sign in with a code of the connection's own app, which needs a delegated permission of SharePoint; the module's own device login needs a clipboard and a port, which sessions don't have.",
        "A session that was fed a token can't renew it; it signs in again with a fresh one.",
        "The connection is to the tenant's root site; give -Connection or -Url for others.",
    ]

    package func resources(for target: ModuleSignInTarget) throws(MMError) -> [TokenResource] {
        [TokenResource(.sharePoint, address: try target.sharePointAddress())]
    }

    package func connect(_ target: ModuleSignInTarget, by method: ModuleSignInMethod) throws(MMError)
        -> PowerShellCommand
    {
        var parameters: [String: PowerShellValue] = ["Url": .json(.string(try target.sharePointAddress()))]
        var environment = true
        let how: String
        switch method {
        case .tokens(let tokens):
            parameters["Token"] = .secret(try token(.sharePoint, in: tokens).token)
            how = "-AccessToken $Token"
        case .device:
            throw cannot(method, "its own device login needs a clipboard and a port of this machine")
        case .certificate(let path, let password):
            parameters["AppId"] = .json(.string(try target.app()))
            parameters["Tenant"] = .json(.string(try target.organization()))
            parameters["Path"] = .json(.string(path))
            if let password { parameters["Password"] = .secret(password) }
            how = "-ClientId $AppId -Tenant $Tenant -CertificatePath $Path"
        case .managedIdentity(let client):
            if let client { parameters["Client"] = .json(.string(client)) }
            environment = false
            how =
                client == nil ? "-ManagedIdentity" : "-ManagedIdentity -UserAssignedManagedIdentityClientId $Client"
        case .federated(let token):
            guard token == nil else { throw cannot(method, "the module reads the provider's token itself") }
            environment = false
            how = "-AzureADWorkloadIdentity"
        }
        if environment { parameters["Environment"] = .json(.string(target.cloud.pnp)) }
        return PowerShellCommand(
            """
            param($Url, $Environment, $Token, $AppId, $Tenant, $Path, $Password, $Client)
            $more = @{}
            if ($Environment) { $more.AzureEnvironment = $Environment }
            if ($Password) { $more.CertificatePassword = ConvertTo-SecureString $Password -AsPlainText -Force }
            PnP.PowerShell\\Connect-PnPOnline -Url $Url \(how) @more -ErrorAction Stop
            """, parameters: parameters, isLocal: true)
    }

    /// The connection object names an address and an app, never a person: the token says who it is.
    package var identity: PowerShellCommand? {
        PowerShellCommand(
            """
            (Get-PnPAccessToken -Decoded -ErrorAction Stop).Claims | Where-Object Type -in 'upn', 'unique_name', 'preferred_username', 'oid', 'tid', 'appid', 'idtyp' | Select-Object Type, Value
            """, isLocal: true)
    }

    package func readIdentity(_ records: [JSONValue]) -> TokenClaims? {
        var claims: [String: String] = [:]
        for record in records {
            if let type = text(record, "Type"), let value = text(record, "Value") { claims[type] = value }
        }
        guard let tenant = claims["tid"] else { return nil }
        return TokenClaims(
            account: claims["upn"] ?? claims["preferred_username"] ?? claims["unique_name"], objectID: claims["oid"],
            tenantID: tenant, appID: claims["appid"], isApp: claims["idtyp"] == "app")
    }

    package var health: PowerShellCommand {
        PowerShellCommand("Get-PnPWeb -ErrorAction Stop | Select-Object Title, Url", isLocal: true)
    }

    package func isHealthy(_ records: [JSONValue]) -> Bool { !records.isEmpty }

    package var disconnect: PowerShellCommand {
        PowerShellCommand("PnP.PowerShell\\Disconnect-PnPOnline", isLocal: true)
    }
}

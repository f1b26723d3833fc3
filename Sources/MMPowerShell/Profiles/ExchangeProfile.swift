package import MMCore

/// Exchange Online: ExchangeOnlineManagement.
package struct ExchangeProfile: ModuleProfile {
    /// Creates the profile.
    package init() {}

    package let name = "exo"
    package let title = "Exchange Online"
    package let requirement = ModuleRequirement.module(name: "ExchangeOnlineManagement", least: "3.9.0")
    package let methods: [SignInMethodKind] = [.tokens, .certificate, .managedIdentity, .device]
    package let prompt = PromptWords(near: ["to sign in", "devicelogin", "to authenticate"], stream: .console)
    package let traps = [
        "Repeated connects in one process leak memory; a new session is started instead.",
        "Security and compliance cmdlets connect on Windows only; here they go through the native engine.",
        "A session that was fed a token signs in again with a fresh one before the hour is over.",
    ]

    package func resources(for target: ModuleSignInTarget) throws(MMError) -> [TokenResource] {
        [TokenResource(.exchange)]
    }

    package func connect(_ target: ModuleSignInTarget, by method: ModuleSignInMethod) throws(MMError)
        -> PowerShellCommand
    {
        var parameters: [String: PowerShellValue] = ["Environment": .json(.string(target.cloud.exchange))]
        if !target.commands.isEmpty { parameters["Commands"] = .json(.array(target.commands.map { .string($0) })) }
        let how: String
        switch method {
        case .tokens(let tokens):
            let fed = try token(.exchange, in: tokens)
            parameters["Token"] = .secret(fed.token)
            if fed.claims.isApp {
                parameters["Organization"] = .json(.string(try target.organization()))
                how = "-AccessToken $Token -Organization $Organization"
            } else {
                guard let account = fed.claims.account ?? target.account else {
                    throw target.missing("expectedEmail", why: "the token doesn't say whose it is")
                }
                parameters["Account"] = .json(.string(account))
                how = "-AccessToken $Token -UserPrincipalName $Account"
            }
        case .device:
            how = "-Device"
        case .certificate(let path, let password):
            parameters["AppId"] = .json(.string(try target.app()))
            parameters["Organization"] = .json(.string(try target.organization()))
            parameters["Path"] = .json(.string(path))
            if let password { parameters["Password"] = .secret(password) }
            how = "-AppId $AppId -Organization $Organization -CertificateFilePath $Path"
        case .managedIdentity(let client):
            parameters["Organization"] = .json(.string(try target.organization()))
            if let client { parameters["Client"] = .json(.string(client)) }
            how = "-ManagedIdentity -Organization $Organization"
        case .federated:
            throw cannot(method, "the module has no parameter for it")
        }
        return PowerShellCommand(
            """
            param($Environment, $Commands, $Token, $Account, $Organization, $AppId, $Path, $Password, $Client)
            $more = @{}
            if ($Commands) { $more.CommandName = $Commands }
            if ($Password) { $more.CertificatePassword = ConvertTo-SecureString $Password -AsPlainText -Force }
            if ($Client) { $more.ManagedIdentityAccountId = $Client }
            ExchangeOnlineManagement\\Connect-ExchangeOnline \(how) -ExchangeEnvironmentName $Environment -ShowBanner:$false -SkipLoadingFormatData @more -ErrorAction Stop
            """, parameters: parameters, isLocal: true)
    }

    package var identity: PowerShellCommand? { health }

    package func readIdentity(_ records: [JSONValue]) -> TokenClaims? {
        // Several rows appear after a reconnect: the last connected one is the current one.
        let row = records.last { text($0, "State")?.lowercased() == "connected" } ?? records.last
        guard let row, let tenant = text(row, "TenantID") else { return nil }
        return TokenClaims(
            account: text(row, "UserPrincipalName"), tenantID: tenant, appID: text(row, "AppId"))
    }

    package var health: PowerShellCommand {
        PowerShellCommand(
            """
            Get-ConnectionInformation -ErrorAction Stop | Select-Object State, TokenStatus, UserPrincipalName, TenantID, AppId
            """, isLocal: true)
    }

    /// A connection whose state is “Broken” met a fault of the service when it was last asked, and goes on with the next
    /// cmdlet.
    package func isHealthy(_ records: [JSONValue]) -> Bool {
        records.contains {
            text($0, "State")?.lowercased() != "disconnected" && text($0, "TokenStatus")?.lowercased() == "active"
        }
    }

    package var disconnect: PowerShellCommand {
        PowerShellCommand("ExchangeOnlineManagement\\Disconnect-ExchangeOnline -Confirm:$false", isLocal: true)
    }
}

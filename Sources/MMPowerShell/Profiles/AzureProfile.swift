package import MMCore

/// Azure: Az.Accounts and the Az modules that load automatically.
package struct AzureProfile: ModuleProfile {
    /// Creates the profile.
    package init() {}

    package let name = "azure"
    package let title = "Azure"
    package let requirement = ModuleRequirement.module(name: "Az.Accounts", least: "5.0.0")
    package let memoryCap = 768 << 20
    package let environment = ["AZURE_CLIENTS_SHOW_SECRETS_WARNING": "false"]
    package let methods: [SignInMethodKind] = [.tokens, .certificate, .federated, .managedIdentity, .device]
    package let prompt = PromptWords(near: ["login to azure", "to sign in", "devicelogin"], stream: .information)
    package let traps = [
        "Cmdlets of Az modules that aren't installed are unknown; Invoke-AzRestMethod reaches their services.",
        "Set-AzContext -Subscription chooses another subscription; the connection's key subscription names the usual one.",
        "Key vaults are reached only where the connection's app has the permission user_impersonation of Azure Key Vault.",
        "Connect-AzAccount takes no token for storage, so -UseConnectedAccount finds none: Get-AzRmStorageContainer and Get-AzRmStorageShare list by the resource manager; content needs New-AzStorageContext -StorageAccountKey.",
        "Cmdlets that return tokens return them as SecureString.",
    ]

    package var preparation: String {
        """
        $null = Disable-AzContextAutosave -Scope Process
        $null = Update-AzConfig -LoginExperienceV2 Off -EnableLoginByWam $false -CheckForUpgrade $false -DisplaySurveyMessage $false -EnableDataCollection $false
        """
    }

    package func resources(for target: ModuleSignInTarget) throws(MMError) -> [TokenResource] {
        [TokenResource(.azure), TokenResource(.graph), TokenResource(.keyVault, isOptional: true)]
    }

    package func connect(_ target: ModuleSignInTarget, by method: ModuleSignInMethod) throws(MMError)
        -> PowerShellCommand
    {
        var parameters: [String: PowerShellValue] = [
            "Environment": .json(.string(target.cloud.azure)), "Tenant": .json(.string(try target.anyTenant())),
        ]
        let how: String
        switch method {
        case .tokens(let tokens):
            let fed = try token(.azure, in: tokens)
            guard let account = fed.claims.account ?? target.account ?? fed.claims.appID else {
                throw target.missing("expectedEmail", why: "the token doesn't say whose it is")
            }
            parameters["Token"] = .secret(fed.token)
            parameters["Account"] = .json(.string(account))
            let graph = try token(.graph, in: tokens)
            parameters["GraphToken"] = .secret(graph.token)
            if let vault = tokens.first(where: { $0.resource.service == .keyVault }) {
                parameters["VaultToken"] = .secret(vault.token)
            }
            how = "-AccessToken $Token -MicrosoftGraphAccessToken $GraphToken -AccountId $Account"
        case .device:
            how = "-UseDeviceAuthentication"
        case .certificate(let path, let password):
            guard password == nil else { throw cannot(method, "the file must have no password of its own") }
            parameters["AppId"] = .json(.string(try target.app()))
            parameters["Path"] = .json(.string(path))
            how = "-ServicePrincipal -ApplicationId $AppId -CertificatePath $Path"
        case .managedIdentity(let client):
            if let client { parameters["Client"] = .json(.string(client)) }
            how = client == nil ? "-Identity" : "-Identity -AccountId $Client"
        case .federated(let token):
            guard let token else { throw cannot(method, "the connection gives no token of the other provider") }
            parameters["AppId"] = .json(.string(try target.app()))
            parameters["Federated"] = .secret(token)
            how = "-ServicePrincipal -ApplicationId $AppId -FederatedToken $Federated"
        }
        if let subscription = target.subscription { parameters["Subscription"] = .json(.string(subscription)) }
        return PowerShellCommand(
            """
            param($Environment, $Tenant, $Token, $GraphToken, $VaultToken, $Account, $AppId, $Path, $Client, $Federated, $Subscription)
            $more = @{}
            if ($VaultToken) { $more.KeyVaultAccessToken = $VaultToken }
            if ($Subscription) { $more.Subscription = $Subscription }
            $null = Az.Accounts\\Connect-AzAccount \(how) -Tenant $Tenant -Environment $Environment @more -ErrorAction Stop
            """, parameters: parameters, isLocal: true)
    }

    package var identity: PowerShellCommand? {
        PowerShellCommand(
            """
            Get-AzContext -ErrorAction Stop | Select-Object @{ Name = 'Account'; Expression = { $_.Account.Id } }, @{ Name = 'TenantId'; Expression = { $_.Tenant.Id } }
            """, isLocal: true)
    }

    package func readIdentity(_ records: [JSONValue]) -> TokenClaims? {
        guard let row = records.last, let tenant = text(row, "TenantId") else { return nil }
        return TokenClaims(account: text(row, "Account"), tenantID: tenant)
    }

    package var health: PowerShellCommand {
        // A tenant without subscriptions returns nothing: only an error means that the sign-in has ended.
        PowerShellCommand(
            "$null = Get-AzSubscription -ErrorAction Stop; Get-AzContext -ErrorAction Stop | Select-Object Name",
            isLocal: true)
    }

    package func isHealthy(_ records: [JSONValue]) -> Bool { !records.isEmpty }

    package var disconnect: PowerShellCommand {
        PowerShellCommand("$null = Az.Accounts\\Disconnect-AzAccount -Scope Process", isLocal: true)
    }
}

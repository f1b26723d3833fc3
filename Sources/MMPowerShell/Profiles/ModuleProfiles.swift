package import MMCore

/// The modules for which there are sessions.
package enum ModuleProfiles {
    /// All profiles, in the order in which they are shown.
    package static let all: [any ModuleProfile] = [
        ExchangeProfile(), AzureProfile(), TeamsProfile(), PnPProfile(), PowerPlatformProfile(), GraphProfile(),
    ]

    /// Returns the profile with a name.
    /// - Parameter name: the name, such as `exo`, in any case.
    /// - Throws: `invalidInput` with the known names.
    package static func named(_ name: String) throws(MMError) -> any ModuleProfile {
        if let profile = all.first(where: { $0.name == name.lowercased() }) { return profile }
        throw MMError(
            .invalidInput, "There is no module “\(name)”.",
            hint: "The modules are \(all.map(\.name).joined(separator: ", ")).")
    }
}

/// Exchange Online: ExchangeOnlineManagement.
package struct ExchangeProfile: ModuleProfile {
    /// Creates the profile.
    package init() {}

    package let name = "exo"
    package let title = "Exchange Online"
    package let requirement = ModuleRequirement.module(name: "ExchangeOnlineManagement", least: "3.9.0")
    package let methods: [SignInMethodKind] = [.tokens, .certificate, .managedIdentity, .device]

    package func resources(for target: ModuleSignInTarget) throws(MMError) -> [TokenResource] {
        [TokenResource(.exchange)]
    }

    package func connect(_ target: ModuleSignInTarget, by method: ModuleSignInMethod) throws(MMError)
        -> PowerShellCommand
    {
        var parameters: [String: PowerShellValue] = ["Environment": .json(.string(target.cloud.exchange))]
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
                    throw target.missing("expectedEmail", why: "the token doesn't contain the account")
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
        }
        return PowerShellCommand(
            """
            param($Environment, $Token, $Account, $Organization, $AppId, $Path, $Password, $Client)
            $more = @{}
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

    /// Returns whether there is a connected row with an active token. A connection in the state “Broken” had a fault of
    /// the service last time, and continues with the next cmdlet.
    package func isHealthy(_ records: [JSONValue]) -> Bool {
        records.contains {
            text($0, "State")?.lowercased() != "disconnected" && text($0, "TokenStatus")?.lowercased() == "active"
        }
    }

    package var disconnect: PowerShellCommand {
        PowerShellCommand("ExchangeOnlineManagement\\Disconnect-ExchangeOnline -Confirm:$false", isLocal: true)
    }
}

/// Azure: Az.Accounts and the Az modules that load automatically.
package struct AzureProfile: ModuleProfile {
    /// Creates the profile.
    package init() {}

    package let name = "azure"
    package let title = "Azure"
    package let requirement = ModuleRequirement.module(name: "Az.Accounts", least: "5.0.0")
    package let memoryCap = 768 << 20
    package let environment = ["AZURE_CLIENTS_SHOW_SECRETS_WARNING": "false"]
    package let methods: [SignInMethodKind] = [.tokens, .certificate, .managedIdentity, .device]
    package let promptWords = ["login to azure", "to sign in", "devicelogin"]
    package let traps = [
        ModuleTrap(
            sign: "does not have access to subscription",
            advice:
                "Set a subscription of this sign-in, by name or ID: mm connections edit CONNECTION subscription=NAME."
        ),
        ModuleTrap(
            sign: "AKV10000",
            advice:
                "The session has no token for key vaults: the connection's app needs the permission user_impersonation of "
                + "Azure Key Vault."),
        ModuleTrap(
            sign: "StorageOAuthEndpointResourceId",
            advice: "Connect-AzAccount accepts no token for storage, so -UseConnectedAccount does not work here. "
                + "Get-AzRmStorageContainer and Get-AzRmStorageShare list through the resource manager; content needs "
                + "New-AzStorageContext -StorageAccountKey, or a connection without an appId, which signs in with the module's own app."
        ),
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
                throw target.missing("expectedEmail", why: "the token doesn't contain the account")
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
            guard password == nil else { throw cannot(method, "the file must not be protected by a password") }
            parameters["AppId"] = .json(.string(try target.app()))
            parameters["Path"] = .json(.string(path))
            how = "-ServicePrincipal -ApplicationId $AppId -CertificatePath $Path"
        case .managedIdentity(let client):
            if let client { parameters["Client"] = .json(.string(client)) }
            how = client == nil ? "-Identity" : "-Identity -AccountId $Client"
        }
        if let subscription = target.subscription { parameters["Subscription"] = .json(.string(subscription)) }
        return PowerShellCommand(
            """
            param($Environment, $Tenant, $Token, $GraphToken, $VaultToken, $Account, $AppId, $Path, $Client, $Subscription)
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

/// Teams: MicrosoftTeams.
package struct TeamsProfile: ModuleProfile {
    /// Creates the profile.
    package init() {}

    package let name = "teams"
    package let title = "Microsoft Teams"
    package let requirement = ModuleRequirement.module(name: "MicrosoftTeams", least: "7.4.0")
    package let methods: [SignInMethodKind] = [.tokens, .certificate, .managedIdentity, .device]

    package func resources(for target: ModuleSignInTarget) throws(MMError) -> [TokenResource] {
        [TokenResource(.graph), TokenResource(.teams)]
    }

    package func connect(_ target: ModuleSignInTarget, by method: ModuleSignInMethod) throws(MMError)
        -> PowerShellCommand
    {
        var parameters: [String: PowerShellValue] = [:]
        var how: String
        switch method {
        case .tokens(let tokens):
            let graph = try token(.graph, in: tokens)
            let teams = try token(.teams, in: tokens)
            guard graph.claims.isApp == teams.claims.isApp else {
                throw MMError(
                    .invalidInput, "Teams needs two tokens of the same kind, both of a person or both of an app.")
            }
            parameters["GraphToken"] = .secret(graph.token)
            parameters["TeamsToken"] = .secret(teams.token)
            how = "-AccessTokens @($GraphToken, $TeamsToken)"
        case .device:
            if let environment = target.cloud.teams { parameters["Environment"] = .json(.string(environment)) }
            how = "-UseDeviceAuthentication"
        case .certificate(let path, let password):
            parameters["AppId"] = .json(.string(try target.app()))
            parameters["Path"] = .json(.string(path))
            parameters["Password"] = .secret(password ?? Secret(""))
            how =
                "-ApplicationId $AppId -Certificate ([System.Security.Cryptography.X509Certificates.X509Certificate2]::new($Path, $Password))"
        case .managedIdentity(let client):
            guard client == nil else {
                throw cannot(method, "the module supports only the machine's system-assigned identity")
            }
            how = "-Identity"
        }
        // With tokens the module reads the tenant from them and refuses the parameter.
        if method.kind != .tokens {
            parameters["Tenant"] = .json(.string(try target.anyTenant()))
            how += " -TenantId $Tenant"
        }
        // Its result contains objects that can't be converted to JSON.
        return PowerShellCommand(
            """
            param($Tenant, $Environment, $GraphToken, $TeamsToken, $AppId, $Path, $Password)
            $more = @{}
            if ($Environment) { $more.TeamsEnvironmentName = $Environment }
            MicrosoftTeams\\Connect-MicrosoftTeams \(how) @more -ErrorAction Stop | Select-Object @{ Name = 'Account'; Expression = { [string]$_.Account } }, @{ Name = 'TenantId'; Expression = { [string]$_.TenantId } }
            """, parameters: parameters, isLocal: true)
    }

    /// No command, because only the connect command's answer names the account; `Get-CsTenant` knows only the tenant.
    package var identity: PowerShellCommand? { nil }

    package func readIdentity(_ records: [JSONValue]) -> TokenClaims? {
        guard let row = records.last(where: { text($0, "TenantId") != nil }) else { return nil }
        return TokenClaims(account: text(row, "Account"), tenantID: text(row, "TenantId"))
    }

    package var health: PowerShellCommand {
        PowerShellCommand("Get-CsTenant -ErrorAction Stop | Select-Object TenantId", isLocal: true)
    }

    /// Returns a command that lists the account's own teams, which everybody may do; cmdlets of the Teams
    /// administration are for administrators only.
    package func health(of identity: TokenClaims) -> PowerShellCommand {
        guard let account = identity.account else { return health }
        return PowerShellCommand(
            "param([string] $User) Get-Team -User $User -ErrorAction Stop | Select-Object -First 1 -Property GroupId",
            parameters: ["User": .json(.string(account))], isLocal: true)
    }

    /// Returns `true` for every answer, because a person may be in no team.
    package func isHealthy(_ records: [JSONValue]) -> Bool { true }

    package var disconnect: PowerShellCommand {
        PowerShellCommand("MicrosoftTeams\\Disconnect-MicrosoftTeams", isLocal: true)
    }
}

/// SharePoint: PnP.PowerShell.
package struct PnPProfile: ModuleProfile {
    /// Creates the profile.
    package init() {}

    package let name = "pnp"
    package let title = "PnP PowerShell (SharePoint)"
    package let usesSharePointHost = true
    package let requirement = ModuleRequirement.module(name: "PnP.PowerShell", least: "3.1.0")
    package let environment = ["PNPPOWERSHELL_UPDATECHECK": "Off", "PNPPOWERSHELL_DISABLETELEMETRY": "true"]
    package let methods: [SignInMethodKind] = [.tokens, .certificate, .managedIdentity]
    package let promptWords = ["authenticate using code", "copied to your clipboard", "open a browser", "devicelogin"]

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
            throw cannot(method, "its device login needs a clipboard and a port on this machine")
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

    /// The command that reads the token: the connection object names an address and an app, but never a person.
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

/// Power Platform: the program pac. What pac can't do (flows, DLP) goes through the REST services.
package struct PowerPlatformProfile: ModuleProfile {
    /// Creates the profile.
    package init() {}

    package let name = "powerplatform"
    package let title = "Power Platform (pac)"
    package let requirement = ModuleRequirement.program(
        name: "pac", install: "dotnet tool install --global Microsoft.PowerApps.CLI.Tool")
    package let methods: [SignInMethodKind] = [.certificate, .managedIdentity, .device]

    package func resources(for target: ModuleSignInTarget) throws(MMError) -> [TokenResource] {
        throw MMError(
            .unsupported, "\(title) does not accept tokens.", hint: "Sign in with a device code or a certificate.")
    }

    package func connect(_ target: ModuleSignInTarget, by method: ModuleSignInMethod) throws(MMError)
        -> PowerShellCommand
    {
        var parameters: [String: PowerShellValue] = ["Cloud": .json(.string(target.cloud.pac))]
        let how: String
        switch method {
        case .device:
            let tenant = try? target.anyTenant()
            parameters["Tenant"] = tenant.map { .json(.string($0)) }
            how = tenant == nil ? "--deviceCode" : "--deviceCode --tenant $Tenant"
        case .certificate(let path, let password):
            guard password == nil else { throw cannot(method, "the file must not be protected by a password") }
            parameters["AppId"] = .json(.string(try target.app()))
            parameters["Tenant"] = .json(.string(try target.anyTenant()))
            parameters["Path"] = .json(.string(path))
            how = "--applicationId $AppId --certificateDiskPath $Path --tenant $Tenant"
        case .managedIdentity(let client):
            guard client == nil else {
                throw cannot(method, "pac supports only the machine's system-assigned identity")
            }
            how = "--managedIdentity"
        case .tokens:
            throw cannot(method, "pac has no option for it")
        }
        return PowerShellCommand(
            """
            param($Cloud, $AppId, $Tenant, $Path)
            pac auth create \(how) --cloud $Cloud
            if ($LASTEXITCODE) { throw "pac auth create ended with code $LASTEXITCODE" }
            """, parameters: parameters, isLocal: true)
    }

    package var identity: PowerShellCommand? { health }

    /// Reads the output of pac, whose lines consist of a label, a colon and a value.
    package func readIdentity(_ records: [JSONValue]) -> TokenClaims? {
        var claims = TokenClaims()
        for line in records.compactMap(\.string) {
            let plain = TerminalText.plain(line)
            if let range = plain.firstRange(of: "Connected as ") {
                claims.account = String(plain[range.upperBound...].prefix { !$0.isWhitespace })
            }
            guard let colon = plain.firstIndex(of: ":") else { continue }
            let label = plain[..<colon].lowercased().filter { $0.isLetter }
            let value = String(plain[plain.index(after: colon)...].drop { $0.isWhitespace }.prefix { !$0.isWhitespace })
            guard !value.isEmpty else { continue }
            switch label {
            case "user", "email": claims.account = value
            case "tenantid": claims.tenantID = value
            case "entraidobjectid", "aadobjectid", "userobjectid": claims.objectID = value
            case "applicationid": claims.appID = value
            default: break
            }
        }
        return claims.account == nil && claims.tenantID == nil ? nil : claims
    }

    package var health: PowerShellCommand {
        PowerShellCommand(
            """
            pac auth who
            if ($LASTEXITCODE) { throw "pac auth who ended with code $LASTEXITCODE" }
            """, isLocal: true)
    }

    package func isHealthy(_ records: [JSONValue]) -> Bool { readIdentity(records) != nil }

    package var disconnect: PowerShellCommand { PowerShellCommand("$null = pac auth clear", isLocal: true) }
}

/// Microsoft Graph: Microsoft.Graph.Authentication and the modules that load automatically.
package struct GraphProfile: ModuleProfile {
    /// Creates the profile.
    package init() {}

    package let name = "graph"
    package let title = "Microsoft Graph PowerShell"
    package let requirement = ModuleRequirement.module(name: "Microsoft.Graph.Authentication", least: "2.25.0")
    package let methods: [SignInMethodKind] = [.tokens, .certificate, .managedIdentity, .device]

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
            // The connection's own app has the permissions it was registered for; the publisher's app gets the
            // requested ones.
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

    package var identity: PowerShellCommand? { health }

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

import MMCore
import MMPowerShell

extension StandInModule {
    /// The modules, each from what was seen of the version that it names.
    static let all = [exchange, azure, teams, pnp, graph, powerPlatform]

    private static let exchange = StandInModule(
        word: "exo", name: "ExchangeOnlineManagement", version: "3.9.0",
        code: StandInDeviceCode(
            app: "fb78d390-0c51-40cd-8e17-fdbfab77341b", way: .console, authority: "organizations",
            scope: "https://outlook.office365.com/.default"),
        connect: StandInConnect(
            cmdlet: "Connect-ExchangeOnline",
            sets: [
                StandInParameterSet(
                    .tokens, "AccessToken* UserPrincipalName Organization DelegatedOrganization \(exchangeOptions)"),
                StandInParameterSet(.device, "Device* UserPrincipalName DelegatedOrganization \(exchangeOptions)"),
                StandInParameterSet(
                    .app,
                    "AppId* Organization* CertificateFilePath CertificatePassword Certificate CertificateThumbprint "
                        + exchangeOptions),
                StandInParameterSet(
                    .app, "ManagedIdentity* Organization* ManagedIdentityAccountId \(exchangeOptions)"),
            ]),
        disconnect: "Disconnect-ExchangeOnline")

    private static let exchangeOptions =
        "ExchangeEnvironmentName ConnectionUri AzureADAuthorizationEndpointUri ShowBanner ShowProgress CommandName "
        + "FormatTypeName SkipLoadingFormatData SkipLoadingCmdletHelp LoadCmdletHelp Prefix PageSize UseMultithreading "
        + "DisableWAM TrackPerformance EnableErrorReporting LogDirectoryPath LogLevel EXOModuleBasePath"

    private static let azure = StandInModule(
        word: "azure", name: "Az.Accounts", version: "5.3.0", companions: ["Az.Resources", "Az.KeyVault"],
        code: StandInDeviceCode(
            app: "1950a258-227b-4e31-a9cf-717495945fc2", way: .information,
            scope: "https://management.core.windows.net//.default"),
        connect: StandInConnect(
            cmdlet: "Connect-AzAccount",
            sets: [
                StandInParameterSet(
                    .tokens,
                    "AccessToken* AccountId* GraphAccessToken MicrosoftGraphAccessToken KeyVaultAccessToken SkipValidation "
                        + azureOptions),
                StandInParameterSet(.device, "UseDeviceAuthentication AccountId ClaimsChallenge \(azureOptions)"),
                StandInParameterSet(
                    .app,
                    "ServicePrincipal ApplicationId* CertificatePath* CertificatePassword SendCertificateChain Tenant* "
                        + azureOptions),
                StandInParameterSet(.app, "ServicePrincipal ApplicationId* FederatedToken* Tenant* \(azureOptions)"),
                StandInParameterSet(.app, "Identity* AccountId ManagedServicePort \(azureOptions)"),
            ],
            firstReads: ["/subscriptions?api-version=2021-01-01"]),
        disconnect: "Disconnect-AzAccount",
        asides: [
            StandInAside(
                address: "https://dc.services.visualstudio.com/v2/track",
                setting: ("EnableDataCollection", false)),
            StandInAside(
                address: "https://www.powershellgallery.com/api/v2/FindPackagesById()?id='Az'",
                setting: ("CheckForUpgrade", false)),
        ])

    private static let azureOptions =
        "Environment Tenant Subscription AuthScope ContextName SkipContextPopulation MaxContextPopulation Force Scope "
        + "DefaultProfile"

    private static let teams = StandInModule(
        word: "teams", name: "MicrosoftTeams", version: "7.8.0",
        code: StandInDeviceCode(
            app: "12128f48-ec9e-42f0-b203-ea49fb6af367", way: .console,
            scope: "AppCatalog.ReadWrite.All Group.ReadWrite.All User.Read.All"),
        connect: StandInConnect(
            cmdlet: "Connect-MicrosoftTeams",
            sets: [
                StandInParameterSet(.tokens, "AccessTokens* TenantId"),
                StandInParameterSet(
                    .device, "TenantId Credential AccountId UseDeviceAuthentication TeamsEnvironmentName EndpointUris"),
                StandInParameterSet(
                    .app,
                    "TenantId* ApplicationId* Certificate CertificateThumbprint TeamsEnvironmentName EndpointUris"),
                StandInParameterSet(
                    .app, "Identity* TenantId AccountId ManagedServicePort ManagedServiceHostName ManagedServiceSecret"),
            ],
            // It takes the tenant from the tokens, and compares what is given with a name that nobody gives.
            refusals: [(["accesstokens", "tenantid"], "Not supported tenant type.")],
            check: StandInTeams.check, output: StandInTeams.output),
        disconnect: "Disconnect-MicrosoftTeams")

    private static let pnp = StandInModule(
        word: "pnp", name: "PnP.PowerShell", version: "3.1.0",
        code: StandInDeviceCode(
            app: nil, way: .warning, scope: "AllSites.FullControl", beforePolling: [.clipboard, .listen]),
        connect: StandInConnect(
            cmdlet: "Connect-PnPOnline",
            sets: [
                StandInParameterSet(
                    .tokens,
                    "Url* AccessToken* AzureEnvironment MicrosoftGraphEndPoint AzureADLoginEndPoint \(pnpOptions)"),
                StandInParameterSet(
                    .device,
                    "Url* DeviceLogin* ClientId Tenant AzureEnvironment PersistLogin MicrosoftGraphEndPoint "
                        + "AzureADLoginEndPoint \(pnpOptions)"),
                StandInParameterSet(
                    .app,
                    "Url* ClientId* Tenant* CertificatePath* CertificatePassword X509KeyStorageFlags AzureEnvironment "
                        + pnpOptions),
                StandInParameterSet(
                    .app, "Url ManagedIdentity* UserAssignedManagedIdentityClientId \(pnpOptions)"),
                StandInParameterSet(.app, "Url* AzureADWorkloadIdentity* \(pnpOptions)"),
            ]),
        disconnect: "Disconnect-PnPOnline",
        asides: [
            StandInAside(
                address: "https://raw.githubusercontent.com/pnp/powershell/dev/version.txt",
                variable: ("PNPPOWERSHELL_UPDATECHECK", "off")),
            StandInAside(
                address: "https://dc.services.visualstudio.com/v2/track",
                variable: ("PNPPOWERSHELL_DISABLETELEMETRY", "true")),
        ])

    private static let pnpOptions =
        "ReturnConnection ValidateConnection CreateDrive DriveName TenantAdminUrl Connection"

    private static let graph = StandInModule(
        word: "graph", name: "Microsoft.Graph.Authentication", version: "2.28.0",
        code: StandInDeviceCode(
            app: "14d82eec-204b-4c2f-b7e8-296a70dab67e", way: .output, scope: "User.Read"),
        connect: StandInConnect(
            cmdlet: "Connect-MgGraph",
            sets: [
                StandInParameterSet(.tokens, "AccessToken* Environment ClientTimeout NoWelcome"),
                StandInParameterSet(
                    .device,
                    "Scopes ClientId TenantId ContextScope Environment UseDeviceCode ClientTimeout NoWelcome"),
                StandInParameterSet(
                    .app,
                    "ClientId* Certificate CertificateThumbprint CertificateSubjectName SendCertificateChain TenantId "
                        + "ContextScope Environment ClientTimeout NoWelcome"),
                StandInParameterSet(.app, "Identity* ClientId ContextScope Environment ClientTimeout NoWelcome"),
            ]),
        disconnect: "Disconnect-MgGraph")

    /// The program pac, whose words aren't parameters.
    private static let powerPlatform = StandInModule(
        word: "powerplatform", name: "pac", version: "1.43.6",
        code: StandInDeviceCode(
            app: "9cee029c-6210-4654-90bb-17e6e9d36617", way: .native,
            scope: "https://service.powerapps.com//.default"),
        connect: StandInConnect(cmdlet: "pac", sets: []),
        disconnect: nil)

    private static func text(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }
}

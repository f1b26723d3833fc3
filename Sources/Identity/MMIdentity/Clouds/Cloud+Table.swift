import MMCore

extension Cloud {
    /// The names that a connection's `cloud` may have.
    public static let names = Connection.clouds

    /// Microsoft's clouds by name, with their hosts and audiences. The sandbox isn't included, because its addresses
    /// are known only where it runs.
    static let table: [String: Cloud] = [
        "public": Cloud(
            name: "public", loginHost: "login.microsoftonline.com",
            loginAliases: ["login.windows.net", "login.microsoft.com", "sts.windows.net"],
            deviceCodePage: "https://microsoft.com/devicelogin", sharePointDomain: "sharepoint.com",
            rows: [
                .graph: ("graph.microsoft.com", "https://graph.microsoft.com"),
                .flow: ("api.flow.microsoft.com", "https://service.flow.microsoft.com"),
                .arm: ("management.azure.com", "https://management.azure.com"),
                .exchange: ("outlook.office365.com", "https://outlook.office365.com"),
                .compliance: ("ps.compliance.protection.outlook.com", "https://ps.compliance.protection.outlook.com"),
                .powerApps: ("api.powerapps.com", "https://service.powerapps.com"),
                .bap: ("api.bap.microsoft.com", "https://service.powerapps.com"),
                .powerPlatform: ("api.powerplatform.com", "https://api.powerplatform.com"),
                .teams: ("api.interfaces.records.teams.microsoft.com", teamsAudience),
                .keyVault: ("vault.azure.net", "https://vault.azure.net"),
            ]),
        // GCC tenants live in the public directory; only the Power Platform has separate hosts there.
        "gcc": Cloud(
            name: "gcc", loginHost: "login.microsoftonline.com",
            loginAliases: ["login.windows.net", "login.microsoft.com", "sts.windows.net"],
            deviceCodePage: "https://microsoft.com/devicelogin", sharePointDomain: "sharepoint.com",
            rows: [
                .graph: ("graph.microsoft.com", "https://graph.microsoft.com"),
                .flow: ("gov.api.flow.microsoft.us", "https://gov.service.flow.microsoft.us"),
                .arm: ("management.azure.com", "https://management.azure.com"),
                .exchange: ("outlook.office365.com", "https://outlook.office365.com"),
                .compliance: ("ps.compliance.protection.outlook.com", "https://ps.compliance.protection.outlook.com"),
                .powerApps: ("gov.api.powerapps.us", "https://gov.service.powerapps.us"),
                .bap: ("gov.api.bap.microsoft.us", "https://gov.service.powerapps.us"),
                .powerPlatform: (
                    "api.gov.powerplatform.microsoft.us", "https://api.gov.powerplatform.microsoft.us"
                ),
                .teams: ("api.interfaces.records.teams.microsoft.com", teamsAudience),
                .keyVault: ("vault.azure.net", "https://vault.azure.net"),
            ]),
        "gcchigh": Cloud(
            name: "gcchigh", loginHost: "login.microsoftonline.us", loginAliases: ["login.usgovcloudapi.net"],
            deviceCodePage: "https://microsoft.com/deviceloginus", sharePointDomain: "sharepoint.us",
            rows: [
                .graph: ("graph.microsoft.us", "https://graph.microsoft.us"),
                .flow: ("high.api.flow.microsoft.us", "https://high.service.flow.microsoft.us"),
                .arm: ("management.usgovcloudapi.net", "https://management.usgovcloudapi.net"),
                .exchange: ("outlook.office365.us", "https://outlook.office365.us"),
                .compliance: (
                    "ps.compliance.protection.office365.us", "https://ps.compliance.protection.office365.us"
                ),
                .powerApps: ("high.api.powerapps.us", "https://high.service.powerapps.us"),
                .bap: ("high.api.bap.microsoft.us", "https://high.service.powerapps.us"),
                .powerPlatform: (
                    "api.high.powerplatform.microsoft.us", "https://api.high.powerplatform.microsoft.us"
                ),
                .keyVault: ("vault.usgovcloudapi.net", "https://vault.usgovcloudapi.net"),
            ]),
        "dod": Cloud(
            name: "dod", loginHost: "login.microsoftonline.us", loginAliases: ["login.usgovcloudapi.net"],
            deviceCodePage: "https://microsoft.com/deviceloginus", sharePointDomain: "sharepoint-mil.us",
            rows: [
                .graph: ("dod-graph.microsoft.us", "https://dod-graph.microsoft.us"),
                .flow: ("api.flow.appsplatform.us", "https://service.flow.appsplatform.us"),
                .arm: ("management.usgovcloudapi.net", "https://management.usgovcloudapi.net"),
                .exchange: ("outlook-dod.office365.us", "https://outlook-dod.office365.us"),
                .compliance: (
                    "l5.ps.compliance.protection.office365.us", "https://l5.ps.compliance.protection.office365.us"
                ),
                .powerApps: ("api.apps.appsplatform.us", "https://service.apps.appsplatform.us"),
                .bap: ("api.bap.appsplatform.us", "https://service.apps.appsplatform.us"),
                .powerPlatform: ("api.appsplatform.us", "https://api.appsplatform.us"),
                .keyVault: ("vault.usgovcloudapi.net", "https://vault.usgovcloudapi.net"),
            ]),
        "china": Cloud(
            name: "china", loginHost: "login.partner.microsoftonline.cn", loginAliases: ["login.chinacloudapi.cn"],
            deviceCodePage: "https://microsoft.com/deviceloginchina", sharePointDomain: "sharepoint.cn",
            rows: [
                .graph: ("microsoftgraph.chinacloudapi.cn", "https://microsoftgraph.chinacloudapi.cn"),
                .flow: ("api.powerautomate.cn", "https://service.powerautomate.cn"),
                .arm: ("management.chinacloudapi.cn", "https://management.chinacloudapi.cn"),
                .exchange: ("partner.outlook.cn", "https://partner.outlook.cn"),
                .compliance: (
                    "ps.compliance.protection.partner.outlook.cn",
                    "https://ps.compliance.protection.partner.outlook.cn"
                ),
                .powerApps: ("api.powerapps.cn", "https://service.powerapps.cn"),
                .bap: ("api.bap.partner.microsoftonline.cn", "https://service.powerapps.cn"),
                .powerPlatform: (
                    "api.powerplatform.partner.microsoftonline.cn",
                    "https://api.powerplatform.partner.microsoftonline.cn"
                ),
                .keyVault: ("vault.azure.cn", "https://vault.azure.cn"),
            ]),
    ]

    // The Skype and Teams tenant admin API is identified by its app id; it has no audience URL.
    static let teamsAudience = "48ac35b8-9aa8-4d74-927d-1f4a14a0b239"

    private init(
        name: String, loginHost: String, loginAliases: [String], deviceCodePage: String, sharePointDomain: String,
        rows: [ServiceResource: (host: String, audience: String)]
    ) {
        self.init(
            name: name, login: "https://" + loginHost, loginAliases: loginAliases, deviceCodePage: deviceCodePage,
            sharePointDomain: sharePointDomain, bases: rows.mapValues { "https://" + $0.host },
            audiences: rows.mapValues(\.audience))
    }
}

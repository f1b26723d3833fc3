package import MMCore

/// The names that the modules give to a Microsoft cloud, and where its pages are.
///
/// Source of the names: the modules' own parameter documentation (`-ExchangeEnvironmentName`, `-TeamsEnvironmentName`,
/// `-Environment`, `-AzureEnvironment`, `pac --cloud`).
package struct ModuleCloud: Sendable, Hashable {
    /// The name in `mm`: `public`, `gcc`, `gcchigh`, `dod`, `china` or `sandbox`.
    package let name: String
    /// The value of Connect-ExchangeOnline's `-ExchangeEnvironmentName`.
    package let exchange: String
    /// The value of Connect-MicrosoftTeams' `-TeamsEnvironmentName`; `nil` to leave the parameter out.
    package let teams: String?
    /// The value of Connect-AzAccount's `-Environment`.
    package let azure: String
    /// The value of Connect-PnPOnline's `-AzureEnvironment`.
    package let pnp: String
    /// The value of Connect-MgGraph's `-Environment`.
    package let graph: String
    /// The value of pac's `--cloud`.
    package let pac: String
    /// The part of SharePoint host names after the tenant's label.
    package let sharePointSuffix: String
    /// Where a person enters a device code.
    package let devicePage: String
    /// Hosts whose pages are shown to people unchanged; a page elsewhere is replaced by `devicePage`.
    package let pageHosts: [String]

    /// Returns the cloud with this name.
    /// - Parameters:
    ///   - name: as in a connection's `cloud`.
    ///   - sandboxLogin: address of the sandbox tenant's sign-in service, for the cloud `sandbox`.
    /// - Throws: `unsupported` for a cloud that modules have no name for.
    package static func named(_ name: String, sandboxLogin: String? = nil) throws(MMError) -> ModuleCloud {
        switch name {
        case "public", "gcc": return worldwide(name, pnp: name == "gcc" ? "USGovernment" : "Production")
        case "gcchigh":
            return government(
                name, exchange: "O365USGovGCCHigh", teams: "TeamsGCCH", pnp: "USGovernmentHigh", graph: "USGov",
                pac: "UsGovHigh", sharePoint: ".sharepoint.us")
        case "dod":
            return government(
                name, exchange: "O365USGovDoD", teams: "TeamsDOD", pnp: "USGovernmentDoD", graph: "USGovDoD",
                pac: "UsGovDod", sharePoint: ".sharepoint-mil.us")
        case "china":
            return ModuleCloud(
                name: name, exchange: "O365China", teams: "TeamsChina", azure: "AzureChinaCloud", pnp: "China",
                graph: "China", pac: "China", sharePointSuffix: ".sharepoint.cn",
                devicePage: "https://login.partner.microsoftonline.cn/common/oauth2/deviceauth",
                pageHosts: [
                    "login.partner.microsoftonline.cn", "login.chinacloudapi.cn", "microsoft.com", "aka.ms",
                ])
        case "sandbox":
            let login = sandboxLogin ?? "http://127.0.0.1"
            return ModuleCloud(
                name: name, exchange: "O365Default", teams: nil, azure: "AzureCloud", pnp: "Production",
                graph: "Global", pac: "Public", sharePointSuffix: ".sharepoint.com", devicePage: login + "/devicelogin",
                pageHosts: ["127.0.0.1", "localhost", "::1"])
        default:
            throw MMError(
                .unsupported, "PowerShell modules don't know the cloud “\(name)”.",
                hint: "They know public, gcc, gcchigh, dod and china. Requests and `--engine native` reach every cloud."
            )
        }
    }

    private static func worldwide(_ name: String, pnp: String) -> ModuleCloud {
        ModuleCloud(
            name: name, exchange: "O365Default", teams: nil, azure: "AzureCloud", pnp: pnp, graph: "Global",
            pac: name == "gcc" ? "UsGov" : "Public", sharePointSuffix: ".sharepoint.com",
            devicePage: "https://microsoft.com/devicelogin",
            pageHosts: ["microsoft.com", "login.microsoftonline.com", "login.microsoft.com", "aka.ms"])
    }

    private static func government(
        _ name: String, exchange: String, teams: String, pnp: String, graph: String, pac: String, sharePoint: String
    ) -> ModuleCloud {
        ModuleCloud(
            name: name, exchange: exchange, teams: teams, azure: "AzureUSGovernment", pnp: pnp, graph: graph, pac: pac,
            sharePointSuffix: sharePoint, devicePage: "https://login.microsoftonline.us/common/oauth2/deviceauth",
            pageHosts: ["login.microsoftonline.us", "microsoft.com", "aka.ms"])
    }

    /// Whether a page may be shown to a person as a place to enter a code.
    package func shows(page: String) -> Bool {
        guard let scheme = page.firstRange(of: "://") else { return false }
        let isPlain = page[..<scheme.lowerBound].lowercased() == "http"
        guard !isPlain || name == "sandbox" else { return false }
        let authority = page[scheme.upperBound...].prefix { !"/?#".contains($0) }
        // A user name in front of the host is how one page is made to look like another.
        guard !authority.contains("@") else { return false }
        var host = authority.lowercased()
        if host.hasPrefix("["), let end = host.firstIndex(of: "]") {
            host = String(host[host.index(after: host.startIndex)..<end])
        } else if let colon = host.firstIndex(of: ":") {
            host = String(host[..<colon])
        }
        return pageHosts.contains { host == $0 || host == "www." + $0 }
    }
}

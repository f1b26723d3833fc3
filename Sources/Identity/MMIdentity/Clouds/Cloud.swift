public import MMCore

/// One of Microsoft's clouds: its sign-in service, the addresses of its services, and the audiences of their tokens.
///
/// A connection's token is sent only to hosts of its cloud.
public struct Cloud: Sendable, Hashable {
    /// `public`, `gcc`, `gcchigh`, `dod`, `china`, `sandbox`, or the path of the file that describes it.
    public let name: String
    /// The base URL of the sign-in service, without a trailing slash: `https://login.microsoftonline.com`.
    public let login: String

    /// Returns the address of a tenant's OpenID configuration (OpenID Connect Discovery 1.0, section 4).
    /// - Parameter tenant: its id or domain; `common` for the sign-in service itself.
    package func openIDConfiguration(of tenant: String) -> String {
        "\(login)/\(tenant)/v2.0/.well-known/openid-configuration"
    }
    /// Other host names of the same sign-in service, which occur in issuers and in the token caches of other programs.
    package let loginAliases: [String]
    /// The page where a person enters a device code, for answers that don't name one.
    package let deviceCodePage: String
    /// The domain of SharePoint hosts, such as `sharepoint.com`; empty if the cloud has none.
    package let sharePointDomain: String
    let bases: [ServiceResource: String]
    let audiences: [ServiceResource: String]
    /// Additional base URLs that callers may use for this cloud's services: for the sandbox, those of the public cloud.
    var writtenBases: [ServiceResource: String] = [:]

    /// The host of the sign-in service without its port, which token caches call the environment.
    package var environment: String { WebAddress(login)?.host ?? login }

    /// All host names of this cloud's sign-in service, the current one first.
    package var environments: [String] { [environment] + loginAliases }

    /// Returns the base URL of a service, without a trailing slash: `https://graph.microsoft.com`.
    /// - Returns: `nil` when the cloud has no known host for it.
    public func base(of resource: ServiceResource) -> String? {
        if case .sharePoint(let label) = resource {
            // The sandbox serves everything without an address in its table at its sign-in address.
            return name == "sandbox" ? login : site(label)
        }
        if case .api(let api) = resource { return name == "sandbox" ? login : api.address }
        return bases[resource]
    }

    /// Returns the base URLs that a caller may use for a service: its own, and for a sandbox that of the cloud it
    /// simulates.
    package func writtenBases(of resource: ServiceResource) -> [String] {
        var simulated = writtenBases[resource]
        if case .sharePoint(let label) = resource, name == "sandbox" { simulated = site(label) }
        return [base(of: resource), simulated].compactMap(\.self)
    }

    /// Returns the address of a SharePoint host.
    private func site(_ label: String) -> String? {
        guard !sharePointDomain.isEmpty, isHostLabel(label) else { return nil }
        return "https://\(label.lowercased()).\(sharePointDomain)"
    }

    /// Returns the audience of a resource's tokens: `https://graph.microsoft.com`, or an app id for Teams.
    package func audience(of resource: ServiceResource) -> String? {
        // In the sandbox, too, other services refuse these tokens.
        if case .sharePoint(let label) = resource { return site(label) }
        if case .api(let api) = resource { return api.audience }
        return audiences[resource]
    }

    /// Returns the scope that requests all permissions granted to the app: `https://graph.microsoft.com/.default`.
    package func defaultScope(of resource: ServiceResource) -> String? {
        audience(of: resource).map { $0 + "/.default" }
    }

    /// Returns whether a token for `resource` may be sent to a URL: `https`, no user information, and a host of this
    /// cloud.
    ///
    /// Plain HTTP is admitted only where the cloud's own address uses it, which only the sandbox's loopback addresses
    /// do. Power Automate returns next links on regional subdomains of its host with an explicit `:443`; those are
    /// admitted too.
    /// - Parameters:
    ///   - address: an absolute URL.
    ///   - resource: what the token is for.
    package func admits(_ address: String, for resource: ServiceResource) -> Bool {
        guard let base = base(of: resource), let row = WebAddress(base), let given = WebAddress(address),
            !given.hasUserInfo
        else { return false }
        guard given.scheme == row.scheme, given.port == row.port else { return false }
        if given.host == row.host { return true }
        let hasRegionalHosts = resource == .flow || resource == .powerApps || resource == .bap
        return hasRegionalHosts && row.scheme == "https" && given.host.hasSuffix("." + row.host)
    }

    private func isHostLabel(_ label: String) -> Bool {
        !label.isEmpty && label.utf8.count <= 63
            && label.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }
}

extension Cloud {
    /// Returns the service at a host of any of Microsoft's clouds, in any tenant; `nil` for a host that isn't in a
    /// table, or whose service has no API of its own.
    package static func service(at host: String) -> RequestService? {
        let host = host.lowercased()
        for name in names {
            guard let cloud = table[name] else { continue }
            if !cloud.sharePointDomain.isEmpty, host.hasSuffix("." + cloud.sharePointDomain) { return .sharePoint }
            let own = cloud.hosts(sharePoint: nil).first { $0.covers(host: host, port: 443, isSecure: true) }
            if let service = own?.service.requestService { return service }
        }
        return nil
    }
}

extension CloudHost.Service {
    /// The service by whose rules requests are classified; `nil` where no table describes its paths.
    package var requestService: RequestService? {
        switch self {
        case .signIn: .signIn
        case .storage: .storage
        case .dataverse: .dataverse
        case .contents, .gallery: nil
        case .resource(let resource):
            switch resource {
            case .graph: .graph
            case .flow: .flow
            case .arm: .arm
            case .exchange, .compliance: .exchange
            case .bap: .bap
            case .powerApps: .powerApps
            case .sharePoint: .sharePoint
            case .powerPlatform: .powerPlatform
            case .teams: .teams
            case .keyVault: .keyVault
            case .api: nil
            }
        }
    }
}

extension Cloud {
    /// Reads the description of a cloud that isn't in the table.
    ///
    /// ```json
    /// {"login": "https://login.example.de", "sharePointDomain": "sharepoint.example.de",
    ///  "graph": "https://graph.example.de",
    ///  "arm": {"address": "https://management.example.de", "audience": "https://management.core.example.de"}}
    /// ```
    /// Each service is an address, which is also its audience, or both. Services that aren't listed don't exist there.
    /// - Parameters:
    ///   - path: the path of the file.
    ///   - name: the path as the connection writes it, which is the cloud's name.
    /// - Throws: `.invalidInput` naming the file, the entry and the remedy; `.notFound` where there is no file.
    static func read(_ path: String, named name: String) throws(MMError) -> Cloud {
        guard let bytes = try ProtectedFile.read(path, limit: 1 << 20) else {
            throw MMError(
                .notFound, "The cloud file \(path) does not exist.", hint: "Correct `cloud` of the connection.",
                details: ["path": .string(path)])
        }
        let parsed: JSONValue
        do throws(JSONError) {
            parsed = try JSONParser.parse(bytes)
        } catch {
            throw fault(path, "isn't JSON: \(error)", "It must be an object with login and the services' addresses.")
        }
        guard let description = parsed.object else {
            throw fault(path, "is \(parsed.kindName)", "It must be an object with login and the services' addresses.")
        }
        let services = Dictionary(uniqueKeysWithValues: ServiceResource.plain.map { ($0.name, $0) })
        let known = ["login", "loginAliases", "deviceCodePage", "sharePointDomain"] + services.keys.sorted()
        for key in description.keys where !known.contains(key) && !key.hasPrefix("_") {
            let meant = NearestNames.of(key, among: known, limit: 1).first.map { "Did you mean \($0)?" }
            throw fault(
                path, "has an unknown entry `\(key.prefix(60))`", meant ?? "Entries: \(known.joined(separator: ", ")).")
        }
        var bases: [ServiceResource: String] = [:]
        var audiences: [ServiceResource: String] = [:]
        for (key, resource) in services {
            guard let value = description[key], !value.isNull else { continue }
            let base = try origin(value.object?["address"] ?? value, of: key, in: path)
            bases[resource] = base
            audiences[resource] = value.object?["audience"]?.string ?? base
        }
        let login = try origin(description["login"] ?? .null, of: "login", in: path)
        let page = try description["deviceCodePage"].map { value throws(MMError) in
            try origin(value, of: "deviceCodePage", in: path, allowsPath: true)
        }
        var aliases: [String] = []
        for alias in description["loginAliases"]?.array ?? [] {
            aliases.append(try host(alias, of: "loginAliases", in: path))
        }
        let sharePoint = try description["sharePointDomain"].map { value throws(MMError) in
            try host(value, of: "sharePointDomain", in: path)
        }
        return Cloud(
            name: name, login: login, loginAliases: aliases,
            deviceCodePage: page ?? login + "/common/oauth2/deviceauth",
            sharePointDomain: sharePoint ?? "", bases: bases, audiences: audiences)
    }

    /// Reads an address that tokens are sent to.
    private static func origin(
        _ value: JSONValue, of entry: String, in path: String, allowsPath: Bool = false
    ) throws(MMError) -> String {
        guard let text = value.string, let address = WebAddress(text), address.scheme == "https", !address.hasUserInfo,
            allowsPath || address.pathAndQuery.isEmpty || address.pathAndQuery == "/"
        else {
            throw fault(
                path, "has no usable address in `\(entry)`: \(value.string?.prefix(120).description ?? value.kindName)",
                "Use https and the host, such as https://\(entry).example.com.")
        }
        return allowsPath ? text : address.origin
    }

    /// Reads the name of a host.
    private static func host(_ value: JSONValue, of entry: String, in path: String) throws(MMError) -> String {
        guard let text = value.string, let address = WebAddress("https://" + text), !address.hasUserInfo,
            address.pathAndQuery.isEmpty, address.host == text.lowercased()
        else {
            throw fault(
                path, "has no host in `\(entry)`: \(value.string?.prefix(120).description ?? value.kindName)",
                "Use only the host name, such as login.example.com.")
        }
        return address.host
    }

    private static func fault(_ path: String, _ what: String, _ hint: String) -> MMError {
        MMError(.invalidInput, "The cloud file \(path) \(what).", hint: hint, details: ["path": .string(path)])
    }
}

extension Cloud {
    /// Returns all hosts that the services of this cloud and tenant use, with the tokens that they accept.
    ///
    /// The hosts in the cloud's table come first, followed by others that its modules use.
    /// - Parameter sharePoint: the tenant's name in SharePoint (`contoso` in `contoso.sharepoint.com`), if known.
    package func hosts(sharePoint: String?) -> [CloudHost] {
        var hosts: [CloudHost] = []
        func add(_ service: CloudHost.Service, _ address: String, _ audiences: [String] = []) {
            guard let address = WebAddress(address) else { return }
            hosts.append(
                CloudHost(
                    service, address.host, isSecure: address.scheme == "https", port: address.port, audiences: audiences
                ))
        }
        add(.signIn, login)
        for alias in loginAliases { add(.signIn, "https://" + alias) }
        for resource in ServiceResource.plain {
            guard let base = base(of: resource) else { continue }
            add(.resource(resource), base, audiences(of: resource))
            guard name != "sandbox", let host = WebAddress(base)?.host else { continue }
            switch resource {
            case .flow, .powerApps, .bap, .powerPlatform, .compliance:
                // Regional hosts are subdomains of the service's own.
                hosts.append(CloudHost(.resource(resource), host, .subdomains, audiences: audiences(of: resource)))
            case .keyVault:
                hosts.append(
                    CloudHost(.resource(resource), host, .directSubdomains, audiences: audiences(of: resource)))
            case .graph, .arm, .exchange, .teams, .sharePoint, .api: break
            }
        }
        for label in sharePoint.map({ [$0, $0 + "-admin", $0 + "-my"] }) ?? [] {
            let resource = ServiceResource.sharePoint(label)
            if let base = base(of: resource) { add(.resource(resource), base, audiences(of: resource)) }
        }
        let extra = Self.furtherHosts[name] ?? FurtherHosts()
        for host in extra.exchange { add(.resource(.exchange), "https://" + host, audiences(of: .exchange)) }
        for host in extra.teams {
            add(.resource(.teams), "https://" + host, audiences(of: .teams))
            hosts.append(CloudHost(.resource(.teams), host, .subdomains, audiences: audiences(of: .teams)))
        }
        for kind in extra.storage.isEmpty ? [] : ["blob", "file", "queue", "table", "dfs"] {
            hosts.append(
                CloudHost(
                    .storage, "\(kind).\(extra.storage)", .directSubdomains, audiences: ["https://storage.azure.com"]))
        }
        for name in extra.dataverse {
            hosts.append(CloudHost(.dataverse, name, .subdomains))
            // The discovery service that lists a person's organizations, shared by all tenants.
            let root = name == "dynamics.com" ? "crm.dynamics.com" : name
            hosts.append(CloudHost(.dataverse, "globaldisco." + root))
        }
        guard name != "sandbox" else { return hosts }
        hosts.append(CloudHost(.contents, "svc.ms", .subdomains))
        // Its pages and its package downloads.
        add(.gallery, "https://www.powershellgallery.com")
        add(.gallery, "https://cdn.powershellgallery.com")
        add(.gallery, "https://psg-prod-eastus.azureedge.net")
        return hosts
    }

    /// Returns the resource whose tokens carry an audience, as given by `audience(of:)`.
    package func resource(withAudience text: String) -> ServiceResource? {
        let wanted = CloudHost.audience(text)
        if let found = ServiceResource.plain.first(where: { audience(of: $0).map(CloudHost.audience) == wanted }) {
            return found
        }
        guard !sharePointDomain.isEmpty, let host = WebAddress(wanted)?.host, host.hasSuffix("." + sharePointDomain)
        else { return nil }
        let resource = ServiceResource.sharePoint(String(host.dropLast(sharePointDomain.utf8.count + 1)))
        return audience(of: resource).map(CloudHost.audience) == wanted ? resource : nil
    }

    /// Returns the resource that a program means by an audience, which may be any of the names and ids under which the
    /// resource's tokens are requested.
    package func resource(takingAudience text: String) -> ServiceResource? {
        if let found = resource(withAudience: text) { return found }
        let wanted = CloudHost.audience(text)
        return ServiceResource.plain.first { resource in
            base(of: resource) != nil && audiences(of: resource).contains { CloudHost.audience($0) == wanted }
        }
    }

    /// Returns whether a token with this audience is valid for a resource.
    func takes(audience text: String, for resource: ServiceResource) -> Bool {
        let wanted = CloudHost.audience(text)
        if audiences(of: resource).contains(where: { CloudHost.audience($0) == wanted }) { return true }
        // Tokens of version 2 carry the id of an API's app, whatever name the API has; never that of a known service.
        guard case .api(let api) = resource, api.audience.lowercased().hasPrefix("api://"), GUID.isValid(wanted) else {
            return false
        }
        return !ServiceResource.plain.contains { audiences(of: $0).contains(wanted) }
    }

    /// Returns another cloud whose services are at an API's host; `nil` if there is none.
    func otherCloud(of api: ConnectionAPI) -> String? {
        guard name != "sandbox", let host = api.address.flatMap({ WebAddress($0)?.host }) else { return nil }
        func holds(_ cloud: Cloud) -> Bool {
            cloud.hosts(sharePoint: nil).contains { $0.covers(host: host, port: 443, isSecure: true) }
        }
        return holds(self) ? nil : Self.names.first { Self.table[$0].map(holds) == true }
    }

    /// Returns the audiences of a service's tokens: URLs, and the ids of the service's app, which some tokens carry.
    private func audiences(of resource: ServiceResource) -> [String] {
        var found = [audience(of: resource)].compactMap(\.self)
        // In the sandbox one address serves all services.
        if name == "sandbox", let base = base(of: resource) { found.append(base) }
        switch resource {
        case .graph: found.append("00000003-0000-0000-c000-000000000000")
        case .flow: found.append("7df0a125-d3be-4c96-aa54-591f83ff541c")
        case .arm: found += ["797f4846-ba00-4fd7-ba43-dac1f8f63013"] + (Self.furtherHosts[name]?.armAudiences ?? [])
        case .exchange:
            found.append("00000002-0000-0ff1-ce00-000000000000")
            found += (Self.furtherHosts[name]?.exchange ?? []).map { "https://" + $0 }
        case .compliance: found.append("00000007-0000-0ff1-ce00-000000000000")
        case .powerApps, .bap: found.append("475226c6-020e-4fb2-8a90-7a972cbfc1d4")
        case .powerPlatform: found.append("8578e004-a5c6-46e7-913e-12f58912df43")
        case .teams: found.append(Self.teamsAudience)
        case .keyVault: found.append("cfa8b339-82a2-471a-a3c9-0fc0be7a4093")
        case .sharePoint: found.append("00000003-0000-0ff1-ce00-000000000000")
        case .api: break
        }
        return found
    }

    /// Host names and audiences that the services' modules use in addition to the service's own address.
    private struct FurtherHosts {
        var exchange: [String] = []
        var teams: [String] = []
        var storage = ""
        var dataverse: [String] = []
        var armAudiences: [String] = []
    }

    private static let furtherHosts: [String: FurtherHosts] = [
        "public": publicHosts, "gcc": publicHosts,
        "gcchigh": FurtherHosts(
            exchange: ["outlook.office365.us"], teams: ["gov.teams.microsoft.us"], storage: "core.usgovcloudapi.net",
            dataverse: ["crm.microsoftdynamics.us"],
            armAudiences: ["https://management.core.usgovcloudapi.net"]),
        "dod": FurtherHosts(
            teams: ["dod.teams.microsoft.us"], storage: "core.usgovcloudapi.net",
            dataverse: ["crm.appsplatform.us"],
            armAudiences: ["https://management.core.usgovcloudapi.net"]),
        "china": FurtherHosts(
            storage: "core.chinacloudapi.cn", dataverse: ["crm.dynamics.cn"],
            armAudiences: ["https://management.core.chinacloudapi.cn"]),
        "sandbox": FurtherHosts(armAudiences: publicHosts.armAudiences),
    ]
    private static let publicHosts = FurtherHosts(
        exchange: ["outlook.office.com"], teams: ["teams.microsoft.com"], storage: "core.windows.net",
        dataverse: ["dynamics.com"], armAudiences: ["https://management.core.windows.net"])
}

extension Cloud {
    /// Returns the cloud of a connection.
    /// - Parameters:
    ///   - name: `public`, `gcc`, `gcchigh`, `dod`, `china`, `sandbox`, or the path of a file that describes another
    ///     cloud.
    ///   - paths: where a running sandbox publishes its addresses, and the home folder that `~` stands for.
    ///   - environment: may contain `MM_SANDBOX_URL`, the address of a sandbox whose services share it; it takes
    ///     precedence.
    /// - Throws: `.invalidInput` for another name and a broken file; `.notFound` for a missing one; `.unavailable` when
    ///   no sandbox is running.
    public static func named(
        _ name: String, paths: StatePaths, environment: [String: String] = [:]
    ) throws(MMError) -> Cloud {
        if let cloud = table[name] { return cloud }
        if Connection.isCloudFile(name) {
            return try read(name.hasPrefix("~") ? paths.home + name.dropFirst() : name, named: name)
        }
        guard name == "sandbox" else {
            throw MMError(
                .invalidInput, "There is no cloud '\(name.prefix(40))'.",
                hint: "Clouds: \(names.joined(separator: ", ")), or the path of a cloud file.")
        }
        if let origin = environment["MM_SANDBOX_URL"], !origin.isEmpty {
            return try sandbox(origin: origin, source: "MM_SANDBOX_URL")
        }
        return try sandbox(publishedIn: paths.sandboxFile)
    }

    /// Returns the cloud whose sign-in service an address belongs to; `nil` for every other service.
    package static func signInService(at address: WebAddress) -> Cloud? {
        guard address.scheme == "https", address.port == 443, !address.hasUserInfo else { return nil }
        return names.lazy.compactMap { table[$0] }.first { $0.environment == address.host }
    }
}

extension Cloud {
    /// The sandbox cloud that was read last, with the stamp of its file: each request looks up its cloud.
    private static let published = Mutex<(path: String, mark: FileStamp, cloud: Cloud)?>(nil)

    /// Returns the cloud of the sandbox that has written its addresses into a file.
    private static func sandbox(publishedIn path: String) throws(MMError) -> Cloud {
        var mark: FileStamp?
        if case .file(let now) = FileStamp.lookUp(path) {
            if let known = published.withLock({ $0 }), known.path == path, known.mark == now { return known.cloud }
            mark = now.isStable ? now : nil
        }
        guard let bytes = try ProtectedFile.read(path, limit: 1 << 20) else {
            throw MMError(.unavailable, "No sandbox tenant is running.", hint: "Start it: mm sandbox start.")
        }
        guard let description = (try? JSONParser.parse(bytes))?.object else {
            throw MMError(.invalidInput, "\(path) is broken.", hint: "Start the sandbox again: mm sandbox start.")
        }
        let cloud = try sandbox(description, source: path)
        if let mark { published.withLock { $0 = (path, mark, cloud) } }
        return cloud
    }

    /// Creates the cloud of a sandbox tenant, whose services all run on this machine.
    ///
    /// Its tokens carry the audiences of the public cloud, because everything it serves follows the public cloud. Plain
    /// HTTP is accepted only on loopback addresses.
    /// - Parameters:
    ///   - description: `{"login": …, "graph": …, "flow": …}` with a base URL each; missing services have no host.
    ///   - source: where the description comes from, for messages.
    /// - Throws: `.invalidInput`, naming the entry that isn't an address of this machine.
    static func sandbox(_ description: JSONObject, source: String) throws(MMError) -> Cloud {
        var bases: [ServiceResource: String] = [:]
        for resource in table["public"]?.audiences.keys.map(\.self) ?? [] {
            guard let value = description[resource.name], !value.isNull else { continue }
            bases[resource] = try sandboxBase(value, entry: resource.name, source: source)
        }
        guard let login = description["login"] else {
            throw MMError(
                .invalidInput, "\(source) has no sign-in address (login).",
                hint: "Start the sandbox again: mm sandbox start.")
        }
        return try sandbox(login: try sandboxBase(login, entry: "login", source: source), bases: bases)
    }

    /// Creates the cloud of a sandbox whose services share one address.
    static func sandbox(origin: String, source: String) throws(MMError) -> Cloud {
        let base = try sandboxBase(.string(origin), entry: "login", source: source)
        let resources = table["public"]?.audiences.keys.map(\.self) ?? []
        return try sandbox(login: base, bases: Dictionary(uniqueKeysWithValues: resources.map { ($0, base) }))
    }

    private static func sandbox(login: String, bases: [ServiceResource: String]) throws(MMError) -> Cloud {
        guard let pattern = table["public"] else { throw MMError(.internalError, "The public cloud is missing.") }
        return Cloud(
            name: "sandbox", login: login, loginAliases: [], deviceCodePage: login + "/devicelogin",
            sharePointDomain: pattern.sharePointDomain, bases: bases, audiences: pattern.audiences,
            writtenBases: pattern.bases)
    }

    private static func sandboxBase(_ value: JSONValue, entry: String, source: String) throws(MMError) -> String {
        guard let text = value.string, let address = WebAddress(text), !address.hasUserInfo,
            address.pathAndQuery.isEmpty || address.pathAndQuery == "/", address.isLoopback
        else {
            throw MMError(
                .invalidInput,
                "\(source) has an address for \(entry) that is not on this machine: \(value.string ?? value.kindName).",
                hint:
                    "The sandbox works only on loopback, such as http://127.0.0.1:8080. Start it "
                    + "again: mm sandbox start."
            )
        }
        return address.origin
    }
}

extension Cloud {
    /// The names that a connection's `cloud` may have.
    public static let names = Connection.clouds

    /// The public cloud, whose addresses are built into programs.
    package static var worldwide: Cloud? { table["public"] }

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

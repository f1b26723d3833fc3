package import MMCore

extension Cloud {
    /// The service that answers at a host of any of Microsoft's clouds, whoever's tenant it is; `nil` for a host that no table
    /// knows, or whose service has no interface of its own.
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
    /// The service as requests to it are judged; `nil` where no table says what its paths do.
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

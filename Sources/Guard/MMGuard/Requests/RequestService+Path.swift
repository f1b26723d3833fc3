package import MMCore

extension RequestService {
    private static let parts: [(part: String, service: RequestService)] = [
        ("/providers/microsoft.processsimple", .flow), ("/providers/microsoft.businessappplatform", .bap),
        ("/providers/powerplatform.governance", .bap), ("/providers/microsoft.powerapps", .powerApps),
        ("/_api/", .sharePoint), ("/adminapi/", .exchange),
        ("/api/data/v", .dataverse), ("/providers/microsoft.", .arm),
    ]

    /// Creates the service to which a path belongs that is written without its host.
    package init(ofPath path: String) {
        // What follows a colon is the path of a file.
        let path = String(path.prefix { $0 != ":" && $0 != "?" }).lowercased()
        // Graph has a `/subscriptions` collection of its own.
        let isResource = path.hasPrefix("/subscriptions/") && path.contains("/resourcegroups")
        self = Self.parts.first { path.contains($0.part) }?.service ?? (isResource ? .arm : .graph)
    }
}

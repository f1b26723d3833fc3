/// An environment of Power Platform.
struct PowerEnvironment: Sendable {
    let name: String
    let shown: String
    let isDefault: Bool

    static let all = [
        PowerEnvironment(
            name: "Default-\(TenantIdentity.id)", shown: "\(TenantIdentity.name) (default)", isDefault: true),
        PowerEnvironment(name: "5a4db0c5-e0e0-4000-8000-000000000002", shown: "Test", isDefault: false),
    ]

    /// The environment of a name, in any case.
    static func find(_ name: String) -> PowerEnvironment? { all.first { $0.name.lowercased() == name.lowercased() } }
}

// swift-tools-version: 6.2
import PackageDescription

// Programs to start from. In your own package, use the repository's URL instead of the path.
let examples: [(name: String, uses: [String])] = [
    ("OneShotGraph", ["MMCore", "MMGraph", "MMFoundation"]),
    ("PersistentPowerShell", ["MMCore", "MMPowerShell"]),
    ("GuardedAgent", ["MMCore", "MMGuard"]),
    ("SwiftEmbedding", ["MMCore", "MMOperations"]),
    ("PoolSessions", ["MicrosoftMaster"]),
    ("NightlyReport", ["MicrosoftMaster"]),
    ("PlannedChange", ["MicrosoftMaster"]),
    ("FlowOwners", ["MicrosoftMaster"]),
    ("WhoIsSignedIn", ["MMCore", "MMIdentity"]),
    ("RegistryCheck", ["MMCore"]),
    ("GuardedSession", ["MMCore", "MMGuard", "MMPowerShell"]),
    ("BuildShell", ["MMCore", "MMShell"]),
    ("ToolServer", ["MMCore", "MMMCP"]),
]

let package = Package(
    name: "examples",
    dependencies: [.package(name: "microsoft-master", path: "..")],
    targets: examples.map { example in
        .executableTarget(
            name: example.name,
            dependencies: example.uses.map { .product(name: $0, package: "microsoft-master") })
    },
    swiftLanguageModes: [.v6]
)

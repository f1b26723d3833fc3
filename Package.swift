// swift-tools-version: 6.2
import PackageDescription

// The house, one line a room: its name and the rooms it may call. Arrows only point downwards;
// `make check` compares every import with this list.
let rooms: [(name: String, calls: [String])] = [
    ("MMCore", ["CMMSystem"]),
    ("MMSystem", ["MMCore", "CMMSystem", "CPCRE2"]),
    ("MMHTTP", ["MMCore", "MMSystem", "CMMSystem", "CCurl", "CMicroHTTPD"]),
    ("MMYAML", ["MMCore", "CYAML"]),
    ("PowerShellSyntax", []),
    ("ShellSyntax", []),
    ("MMGuard", ["MMCore", "MMSystem", "PowerShellSyntax", "ShellSyntax", "CGuardTables"]),
    ("MMPermissions", ["MMCore", "MMGuard", "CPermissionTables"]),
    ("MMEndpoints", ["MMCore", "MMGuard", "MMPermissions", "CEndpointTables"]),
    ("MMIdentity", ["MMCore", "MMSystem", "MMHTTP", "COpenSSL", "CDBus"]),
    ("MMAuthorization", ["MMCore", "MMHTTP", "MMIdentity", "COpenSSL"]),
    ("MMEgress", ["MMCore", "MMSystem", "MMHTTP", "MMIdentity", "CMMSystem", "COpenSSL"]),
    ("MMGraph", ["MMCore", "MMSystem", "MMHTTP", "MMIdentity"]),
    ("MMTelemetry", ["MMCore", "MMSystem", "MMHTTP"]),
    ("MMCluster", ["MMCore", "MMSystem", "CHiredis", "COpenSSL"]),
    ("MMFoundation", ["MMCore", "MMGraph"]),
    ("MMStates", ["MMCore", "MMSystem", "MMHTTP", "MMIdentity", "MMGraph"]),
    ("MMSessions", ["MMCore", "MMSystem", "CConfinement"]),
    ("MMNative", ["MMCore", "MMSystem", "PowerShellSyntax", "CCollationTables", "CExchangeTables"]),
    ("MMPowerShell", ["MMCore", "MMSystem", "MMSessions", "PowerShellSyntax", "CPowerShellResources"]),
    ("MMShell", ["MMCore", "MMSystem", "MMYAML", "MMSessions", "ShellSyntax"]),
    ("MMTools", ["MMCore", "MMSystem", "MMYAML", "PowerShellSyntax", "CRecipes"]),
    ("MMMCP", ["MMCore", "MMSystem", "CMMSystem"]),
    (
        "MMOperations",
        [
            "MMCore", "MMSystem", "MMHTTP", "MMIdentity", "MMEgress", "MMGraph", "MMGuard", "MMPermissions",
            "MMEndpoints", "MMStates", "MMTelemetry", "MMSessions", "MMNative", "MMPowerShell", "MMShell", "MMTools",
            "PowerShellSyntax",
            "CLogin",
            "CFIDO2",
        ]
    ),
    ("MMPoolWire", ["MMCore", "MMSystem", "MMHTTP", "MMIdentity", "MMTelemetry", "MMOperations"]),
    (
        "MMREST",
        [
            "MMCore", "MMSystem", "MMHTTP", "MMTelemetry", "MMSessions", "MMOperations", "MMPoolWire",
            "CDashboardPages",
            "CQRCode",
        ]
    ),
    (
        "MMLegacy",
        [
            "MMCore", "MMHTTP", "MMYAML", "MMGuard", "MMSessions", "MMPowerShell", "MMShell", "MMOperations",
            "MMPoolWire",
            "MMREST", "MMCluster", "PowerShellSyntax",
        ]
    ),
    ("MMCLI", ["MMCore", "MMSystem", "MMTelemetry", "MMShell", "MMOperations", "CLineEditor", "CQRCode"]),
    ("MMSandbox", ["MMCore", "MMSystem", "MMHTTP", "MMPermissions", "COpenSSL", "CSandboxPages"]),
    ("MMStandIn", ["MMCore", "MMSystem", "MMNative", "MMPowerShell", "PowerShellSyntax"]),
    (
        "MMSandboxServing",
        ["MMCore", "MMSystem", "MMHTTP", "MMOperations", "MMCLI", "MMPowerShell", "MMSandbox", "MMStandIn"]
    ),
    (
        "MMServing",
        [
            "MMCore", "MMSystem", "MMHTTP", "MMIdentity", "MMAuthorization", "MMMCP", "MMOperations", "MMPoolWire",
            "MMREST",
            "MMLegacy",
            "MMCLI", "MMGuard", "MMEndpoints", "MMNative", "MMPowerShell", "MMTools", "MMTelemetry", "PowerShellSyntax",
            "MMSessions", "MMCluster",
            "CConfinement",
        ]
    ),
]

// What other packages may build on. Everything else is `package` access.
let libraries = [
    "MMCore", "MMIdentity", "MMGraph", "MMFoundation", "PowerShellSyntax", "ShellSyntax", "MMGuard", "MMPowerShell",
    "MMShell", "MMSessions", "MMOperations", "MMPoolWire", "MMMCP",
]

// C targets: thin typed wrappers around system libraries, and read-only data.
let cTargets: [Target] = [
    .target(name: "CMMSystem"),
    .target(name: "CCurl"),
    .target(name: "CMicroHTTPD"),
    .target(name: "COpenSSL"),
    .target(name: "CDBus"),
    .target(name: "CConfinement"),
    .target(name: "CPCRE2"),
    .target(name: "CYAML"),
    .target(name: "CLogin"),
    .target(name: "CFIDO2"),
    .target(name: "CHiredis"),
    .target(name: "CLineEditor"),
    .target(name: "CQRCode"),
    .target(name: "CGuardTables", exclude: ["Tables"]),
    .target(name: "CPermissionTables", exclude: ["Tables"]),
    .target(name: "CPowerShellResources", exclude: ["Resources"]),
    .target(name: "CCollationTables", exclude: ["Tables"]),
    .target(name: "CEndpointTables", exclude: ["Tables"]),
    .target(name: "CExchangeTables", exclude: ["Tables"]),
    .target(name: "CRecipes", exclude: ["Recipes"]),
    .target(name: "CSandboxPages", exclude: ["Pages"]),
    .target(name: "CDashboardPages", exclude: ["Pages"]),
]

let swiftSettings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let roomTargets: [Target] = rooms.map { room in
    .target(name: room.name, dependencies: room.calls.map { .byName(name: $0) }, swiftSettings: swiftSettings)
}

// What tests need besides their room: programs that they start, and helpers that several share.
let testNeeds = [
    "MMIdentity": ["CTestBus"], "MMPowerShell": ["mm-sandbox", "MMStandIn"], "MMStandIn": ["mm-sandbox"],
    "MMOperations": ["MMMCP", "MMSandbox", "mm-sandbox", "TestHosts"],
    "MMMCP": ["ConformanceFixtures", "conformance-server"],
    "MMAuthorization": ["OAuthFixtures"],
    "MMServing": ["mm-mcp", "ShellSyntax", "OAuthFixtures", "MMYAML"],
    "MMLegacy": ["mm-sandbox", "MMSystem", "TestHosts"],
    "MMREST": ["MMSandbox", "mm-sandbox", "HeadlessBrowser"],
    "MMSandbox": ["HeadlessBrowser"], "MMShell": ["TestHosts"],
    "MMCluster": ["TestHosts"],
]

// On a small machine MM_TESTS="MMShell MMCore" leaves the tests of all other rooms out of the build.
let testedRooms = Context.environment["MM_TESTS"].map { Set($0.split(separator: " ").map(String.init)) }
func isTested(_ room: String) -> Bool { testedRooms?.contains(room) ?? true }
let roomTests: [Target] = rooms.filter { isTested($0.name) }.map { room in
    .testTarget(
        name: "\(room.name)Tests",
        dependencies: ([room.name, "TestSupport"] + room.calls + testNeeds[room.name, default: []]).map {
            .byName(name: $0)
        },
        swiftSettings: swiftSettings
    )
}

let endToEndTests: [Target] =
    !isTested("EndToEnd")
    ? []
    : [
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "MMCore", "MMSystem", "MMHTTP", "MMSessions", "TestSupport", "TestHosts", "HeadlessBrowser", "mm-cli",
                "mm-mcp", "mm-sandbox",
            ],
            swiftSettings: swiftSettings
        )
    ]

// The benchmark programs measure what is `package` access, so a package of their own can't hold them. They are built
// where they are asked for: `make bench` says MM_BENCHMARKS=1.
let benchmarks: [Target] =
    Context.environment["MM_BENCHMARKS"] == nil
    ? []
    : [
        .executableTarget(
            name: "powershell-benchmark", dependencies: ["MMCore", "MMSystem", "MMSessions", "MMPowerShell"],
            path: "Benchmarks/PowerShell", swiftSettings: swiftSettings
        ),
        .executableTarget(
            name: "shell-benchmark", dependencies: ["MMCore", "MMSystem", "MMShell"], path: "Benchmarks/Shell",
            swiftSettings: swiftSettings
        ),
        .executableTarget(
            name: "egress-benchmark",
            dependencies: ["CMMSystem", "MMCore", "MMSystem", "MMHTTP", "MMIdentity", "MMEgress"],
            path: "Benchmarks/Egress", swiftSettings: swiftSettings
        ),
    ]

let package = Package(
    name: "microsoft-master",
    products: libraries.map { .library(name: $0, targets: [$0]) } + [
        .executable(name: "mm", targets: ["mm-cli"]),
        .executable(name: "mm-mcp", targets: ["mm-mcp"]),
        .executable(name: "mm-sandbox", targets: ["mm-sandbox"]),
    ],
    targets: cTargets + roomTargets + roomTests + endToEndTests + benchmarks + [
        .executableTarget(name: "mm-cli", dependencies: ["MMServing"], swiftSettings: swiftSettings),
        .executableTarget(name: "mm-mcp", dependencies: ["MMServing"], swiftSettings: swiftSettings),
        .executableTarget(name: "mm-sandbox", dependencies: ["MMSandboxServing"], swiftSettings: swiftSettings),
        .target(name: "CTestGuard", path: "Tests/CTestGuard"),
        .target(name: "CTestBus", path: "Tests/CTestBus"),
        .target(
            name: "TestSupport", dependencies: ["MMCore", "MMSystem", "CTestGuard"], path: "Tests/TestSupport",
            swiftSettings: swiftSettings
        ),
        .target(
            name: "TestHosts", dependencies: ["MMCore", "MMSystem"], path: "Tests/TestHosts",
            swiftSettings: swiftSettings
        ),
        .target(
            name: "OAuthFixtures", dependencies: ["MMCore", "MMHTTP"], path: "Tests/OAuthFixtures",
            swiftSettings: swiftSettings
        ),
        .target(
            name: "HeadlessBrowser", dependencies: ["MMCore", "MMSystem"], path: "Tests/HeadlessBrowser",
            swiftSettings: swiftSettings
        ),
        .target(
            name: "ConformanceFixtures", dependencies: ["MMCore", "MMMCP"], path: "Tests/ConformanceServer/Fixtures",
            swiftSettings: swiftSettings
        ),
        .executableTarget(
            name: "conformance-server", dependencies: ["MMCore", "MMHTTP", "MMMCP", "ConformanceFixtures"],
            path: "Tests/ConformanceServer/Server", swiftSettings: swiftSettings
        ),
    ],
    swiftLanguageModes: [.v6]
)

// swift-tools-version: 6.2
import PackageDescription

// The targets ("rooms") and their dependencies: the district (a folder of `Sources`; nil for a room directly in
// `Sources`), the name, and the rooms it may call. Dependencies only point to lower layers. `make check` fails on an
// import that isn't declared here and on a declared room that no file imports.
let rooms: [(district: String?, name: String, calls: [String])] = [
    (nil, "MMCore", ["CMMSystem", "CYAML"]),
    ("System", "MMSystem", ["MMCore", "CMMSystem", "CPCRE2"]),
    ("HTTP", "MMHTTP", ["MMCore", "MMSystem", "CMMSystem", "CCurl", "CMicroHTTPD"]),
    ("Languages", "PowerShellSyntax", []),
    ("Languages", "ShellSyntax", []),
    (
        "Guard", "MMGuard",
        [
            "MMCore", "PowerShellSyntax", "ShellSyntax", "CGuardTables", "CEndpointTables",
            "CPermissionTables",
        ]
    ),
    ("Identity", "MMIdentity", ["MMCore", "MMSystem", "MMHTTP", "COpenSSL", "CDBus"]),
    (nil, "MMGraph", ["MMCore", "MMSystem", "MMHTTP", "MMIdentity"]),
    ("Sessions", "MMEgress", ["MMCore", "MMSystem", "MMHTTP", "MMIdentity", "CMMSystem", "COpenSSL", "CHTTP2"]),
    ("Sessions", "MMSessions", ["MMCore", "MMSystem", "CConfinement"]),
    (
        "Sessions", "MMNative",
        ["MMCore", "MMSystem", "PowerShellSyntax", "COpenSSL", "CCollationTables", "CExchangeTables"]
    ),
    (nil, "MMPowerShell", ["MMCore", "MMSystem", "MMSessions", "PowerShellSyntax", "CPowerShellResources"]),
    ("Sessions", "MMShell", ["MMCore", "MMSystem", "MMSessions", "ShellSyntax"]),
    (
        "Operations", "MMDesk",
        [
            "MMCore", "MMSystem", "MMHTTP", "MMIdentity", "MMGraph", "MMGuard", "MMSessions", "MMPowerShell", "MMShell",
        ]
    ),
    (
        "Operations", "MMOperations",
        [
            "MMCore", "MMSystem", "MMHTTP", "MMIdentity", "MMEgress", "MMDesk", "MMGuard", "MMSessions", "MMNative",
            "MMPowerShell", "MMShell", "PowerShellSyntax", "CLogin", "CFIDO2", "CRecipes",
        ]
    ),
    ("Faces", "MMFoundation", ["MMCore", "MMGraph"]),
    ("Faces", "MMMCP", ["MMCore", "MMSystem", "CMMSystem"]),
    ("Faces", "MMCLI", ["MMCore", "MMSystem", "MMShell", "MMOperations", "CLineEditor", "CQRCode"]),
    (
        "Faces", "MMPool",
        [
            "MMCore", "MMSystem", "MMHTTP", "MMIdentity", "MMSessions", "MMOperations", "CDashboardPages", "CHiredis",
            "COpenSSL", "CQRCode",
        ]
    ),
    (
        "Faces", "MicrosoftMaster",
        [
            "MMCore", "MMIdentity", "MMGraph", "MMGuard", "MMPowerShell", "MMShell", "MMSessions", "MMOperations",
            "MMPool", "MMMCP",
        ]
    ),
    (
        "Faces", "MMLegacy",
        [
            "MMCore", "MMHTTP", "MMGuard", "MMSessions", "MMPowerShell", "MMShell", "MMDesk", "MMOperations", "MMPool",
            "PowerShellSyntax",
        ]
    ),
    (
        "Sandbox", "MMSandbox",
        [
            "MMCore", "MMSystem", "MMHTTP", "MMGuard", "MMNative", "MMPowerShell", "PowerShellSyntax", "COpenSSL",
            "CSandboxPages",
        ]
    ),
    ("Sandbox", "MMSandboxServing", ["MMCore", "MMSystem", "MMHTTP", "MMOperations", "MMCLI", "MMSandbox"]),
    (
        "Programs", "MMServing",
        [
            "MMCore", "MMSystem", "MMHTTP", "MMIdentity", "MMGuard", "MMSessions", "MMNative", "MMPowerShell",
            "MMShell",
            "MMOperations", "MMMCP", "MMCLI", "MMPool", "MMLegacy", "PowerShellSyntax", "CConfinement",
        ]
    ),
]

// The libraries for other packages. What isn't meant for them has `package` access.
let libraries = [
    "MicrosoftMaster", "MMCore", "MMIdentity", "MMGraph", "MMFoundation", "MMGuard", "MMPowerShell", "MMShell",
    "MMSessions", "MMOperations", "MMPool", "MMMCP",
]

let programs: [(name: String, target: String)] = [("mm", "mm-cli"), ("mm-mcp", "mm-mcp"), ("mm-sandbox", "mm-sandbox")]

// C targets: thin typed wrappers around system libraries, and read-only data.
let cTargets: [Target] =
    [
        ("System", "CMMSystem"), ("System", "CCurl"), ("System", "CMicroHTTPD"), ("System", "COpenSSL"),
        ("System", "CDBus"), ("System", "CConfinement"), ("System", "CPCRE2"), ("System", "CYAML"),
        ("System", "CLogin"), ("System", "CFIDO2"), ("System", "CHiredis"), ("System", "CLineEditor"),
        ("System", "CQRCode"), ("System", "CHTTP2"),
    ].map { .target(name: $0.1, path: "Sources/\($0.0)/\($0.1)") }
    + [
        ("Guard", "CGuardTables", "Tables"), ("Guard", "CPermissionTables", "Tables"),
        ("Guard", "CEndpointTables", "Tables"), ("Languages", "CCollationTables", "Tables"),
        ("Sessions", "CPowerShellResources", "Resources"), ("Sessions", "CExchangeTables", "Tables"),
        ("Operations", "CRecipes", "Recipes"), ("Sandbox", "CSandboxPages", "Pages"),
        ("Faces", "CDashboardPages", "Pages"),
    ].map { .target(name: $0.1, path: "Sources/\($0.0)/\($0.1)", exclude: [$0.2]) }

// Not `NonisolatedNonsendingByDefault`: Swift 6.3 leaves out the return from an actor before a call of work that should
// run where its caller runs, so the work would run on that actor and hold up everybody else. One test of `SessionPool`
// fails as long as it does.
let swiftSettings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let roomTargets: [Target] = rooms.map { room in
    .target(
        name: room.name, dependencies: room.calls.map { .byName(name: $0) },
        path: ["Sources", room.district, room.name].compactMap { $0 }.joined(separator: "/"),
        swiftSettings: swiftSettings
    )
}

// What tests need besides their room and its dependencies: programs that they start, and shared helpers.
let testNeeds = [
    "MMIdentity": ["CTestBus", "OAuthFixtures"], "MMPowerShell": ["mm-sandbox", "MMSandbox"],
    "MMOperations": ["MMGraph", "MMMCP", "MMSandbox", "mm-sandbox", "TestHosts"],
    "MMMCP": ["ConformanceFixtures", "conformance-server"],
    "MMServing": ["mm-mcp", "ShellSyntax", "OAuthFixtures"],
    "MMLegacy": ["mm-sandbox", "MMSystem", "TestHosts"],
    "MMPool": ["MMSandbox", "mm-sandbox", "HeadlessBrowser", "TestHosts"],
    "MMSandbox": ["mm-sandbox", "HeadlessBrowser"], "MMSandboxServing": ["mm-sandbox"], "MMShell": ["TestHosts"],
]

// MM_TESTS="MMShell MMCore" builds the tests of these rooms only, and what they use, which is quicker on a small
// machine.
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
                "MMCore", "MMSystem", "MMHTTP", "MMSessions", "MicrosoftMaster", "TestSupport", "TestHosts",
                "HeadlessBrowser", "mm-cli",
                "mm-mcp", "mm-sandbox",
            ],
            swiftSettings: swiftSettings
        )
    ]

// The benchmark programs use declarations with `package` access, so they can't be a package of their own. They are
// built only with MM_BENCHMARKS=1, which `make bench` sets.
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

let targets: [Target] =
    cTargets + roomTargets + roomTests + endToEndTests + benchmarks + [
        .executableTarget(name: "mm-cli", dependencies: ["MMServing"], swiftSettings: swiftSettings),
        .executableTarget(name: "mm-mcp", dependencies: ["MMServing"], swiftSettings: swiftSettings),
        .executableTarget(
            name: "mm-sandbox", dependencies: ["MMSandboxServing"], path: "Sources/Sandbox/mm-sandbox",
            swiftSettings: swiftSettings
        ),
        // `make release` builds these targets: what the operations wait for, then both programs in one build plan.
        .target(
            name: "foundations",
            dependencies: rooms.filter { $0.name == "MMOperations" }.flatMap(\.calls).map { .byName(name: $0) },
            path: "Scripts/Foundations"
        ),
        .target(name: "programs", dependencies: ["mm-cli", "mm-sandbox"], path: "Scripts/Programs"),
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
    ]

// The names of the targets that are built: all, or with MM_TESTS only what these tests use.
let built: Set<String> = {
    if testedRooms == nil { return Set(targets.map(\.name)) }
    var built: Set<String> = []
    var open = roomTests + endToEndTests
    while let target = open.popLast() {
        guard built.insert(target.name).inserted else { continue }
        for case .byNameItem(let name, _) in target.dependencies { open += targets.filter { $0.name == name } }
    }
    return built
}()

let package = Package(
    name: "microsoft-master",
    products: libraries.filter(built.contains).map { .library(name: $0, targets: [$0]) }
        + programs.filter { built.contains($0.target) }.map { .executable(name: $0.name, targets: [$0.target]) },
    targets: targets.filter { built.contains($0.name) },
    swiftLanguageModes: [.v6]
)

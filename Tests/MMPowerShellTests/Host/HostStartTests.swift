import Glibc
import MMCore
import MMSystem
import TestSupport
import Testing

@testable import MMPowerShell
@testable import MMSandbox

@Suite("Starting a host", .timeLimit(.minutes(10)))
struct HostStartTests {
    @Test("a host starts, greets, is warm, and ends when it is closed")
    func starts() async throws {
        let host = try await StandIn.host()
        #expect(host.version.description == "7.6.5-stand-in")
        #expect(host.isStandIn)
        #expect(runs(host.processID))
        #expect((host.memory ?? 0) > 1 << 20)
        #expect(try await !host.ping(deadline: .after(.seconds(300))).isBusy)
        await host.close()
        #expect(!runs(host.processID))
        #expect(host.isLost)
    }

    @Test(
        "an invalid start is refused with the reason",
        arguments: [
            ("wrong-nonce", "nonce"), ("wrong-protocol", "version 99"), ("wrong-process", "another process"),
            ("old-version", "7.4.0"), ("dies", "status 3"), ("garbage", "JSON"),
        ])
    func refused(word: String, said: String) async throws {
        let error = await #expect(throws: MMError.self) { try await StandIn.host(["--start", word]) }
        let text = error?.description ?? ""
        #expect(text.contains(said), "\(text)")
    }

    @Test("the error has the output of a program that ended early")
    func firstWords() async throws {
        let error = await #expect(throws: MMError.self) { try await StandIn.host(["--start", "dies"]) }
        #expect(error?.message.contains("The stand-in ends while it starts.") == true)
    }

    @Test(
        "a program that never greets is given up at the deadline",
        arguments: ["no-greeting", "half-greeting", "no-connection"])
    func silent(word: String) async throws {
        let error = await #expect(throws: MMError.self) {
            try await StandIn.host(["--start", word], within: .milliseconds(400))
        }
        #expect(error?.code == .deadlineExceeded)
    }

    @Test("a slow start is waited for")
    func slow() async throws {
        let host = try await StandIn.host(["--start-after", "300"])
        #expect(try await host.all("1").values == [1])
        await host.close()
    }

    @Test("a missing program is named")
    func nothing() async throws {
        var settings = try StandIn.settings()
        settings.location = PowerShellLocation(program: "/nowhere/pwsh", reason: .named)
        let error = await #expect(throws: MMError.self) {
            try await PowerShellHost.start(settings, deadline: .after(.seconds(300)))
        }
        #expect(error?.message.contains("/nowhere/pwsh") == true)
    }

    @Test("another process that connects to the port is refused, and the child still gets in")
    func foreignPeer() async throws {
        let folder = try StandIn.folder()
        let settings = try StandIn.settings(["--start-after", "20000"], folder: folder)
        let start = Task { try await PowerShellHost.start(settings, deadline: .after(.seconds(300))) }
        let stranger = Found()
        try await until("the port") {
            // The port is in the program's environment while it waits.
            let program = ProcessEntry.all().first { $0.carries(Array("HOME=\(folder)/home".utf8)) }
            guard let program, let port = Self.variable("MM_WIRE", of: program.id).flatMap({ UInt16($0) }) else {
                return false
            }
            stranger.wire = try StandInWire(port: port)
            return true
        }
        let wire = try #require(stranger.wire)
        wire.put(["t": "hello", "protocol": 1, "nonce": "x", "pid": .int(Int64(getpid())), "version": "7.6.5"])
        wire.flush()
        let host = try await start.value
        #expect(try await host.all("1").values == [1])
        guard case .end = wire.request(within: 300_000) else {
            Issue.record("the stranger's connection is open")
            return
        }
        #expect(TestFolder.names(in: folder) == ["home"], "the script is gone after the greeting")
        await host.close()
    }

    private static func variable(_ name: String, of process: Int32) -> String? {
        let environment = ProcFile.read("/proc/\(process)/environ", limit: 1 << 20) ?? []
        return environment.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
            .first { $0.hasPrefix(name + "=") }.map { String($0.dropFirst(name.count + 1)) }
    }

    @Test(
        "the limit of the heap comes from the environment if set there",
        arguments: [
            (nil, "0x18000000"), ("0x10000000", "0x10000000"), ("10000000", "0x10000000"), ("0X8000000", "0x8000000"),
            ("0", "0x18000000"), ("-10000000", "0x18000000"), ("much", "0x18000000"), ("", "0x18000000"),
            ("0x1", "0x18000000"), ("fffffffffffffffffffff", "0x18000000"),
        ] as [(String?, String)])
    func heapCap(given: String?, cap: String) {
        var environment = ["HOME": "/home/adele", "DOTNET_gcServer": "0", "DOTNET_GCConserveMemory": "9; x"]
        environment["DOTNET_GCHeapHardLimit"] = given
        let settings = HostSettings(
            location: PowerShellLocation(program: "/bin/false", reason: .named), folder: "/tmp",
            environment: environment)
        let seen = settings.childEnvironment(wire: 1, nonce: "", mark: "")
        #expect(seen["DOTNET_GCHeapHardLimit"] == cap)
        #expect(seen["DOTNET_gcServer"] == "0")
        #expect(seen["DOTNET_GCConserveMemory"] == nil)
    }

    @Test(
        "a session with direct network access gets the user's proxies and trusted certificates, and nothing else of theirs"
    )
    func network() {
        var settings = HostSettings(
            location: PowerShellLocation(program: "/bin/false", reason: .named), folder: "/tmp",
            environment: ["HOME": "/home/adele"])
        #expect(settings.childEnvironment(wire: 1, nonce: "", mark: "")["HTTPS_PROXY"] == nil)
        settings.environment["SSL_CERT_DIR"] = "/own"
        settings.passNetwork(of: [
            "HTTPS_PROXY": "http://proxy.example:3128", "no_proxy": "localhost", "SSL_CERT_FILE": "/etc/own.pem",
            "SSL_CERT_DIR": "/etc/other", "ALL_PROXY": "", "AWS_SECRET_ACCESS_KEY": "x", "MM_PWSH": "/x",
        ])
        let seen = settings.childEnvironment(wire: 1, nonce: "", mark: "")
        #expect(seen["HTTPS_PROXY"] == "http://proxy.example:3128" && seen["no_proxy"] == "localhost")
        #expect(seen["SSL_CERT_FILE"] == "/etc/own.pem" && seen["SSL_CERT_DIR"] == "/own")
        #expect(seen["ALL_PROXY"] == nil && seen["AWS_SECRET_ACCESS_KEY"] == nil && seen["MM_PWSH"] == nil)
    }

    @Test("the child's arguments and environment have no secret and nothing else of ours")
    func environment() async throws {
        setenv("MM_TEST_SECRET", "do-not-inherit", 1)
        let host = try await StandIn.host()
        let seen = try #require(try await host.all("Invoke-StandIn environment").values.first?.object)
        #expect(seen["MM_TEST_SECRET"] == nil)
        #expect(seen["MM_WIRE"] == nil && seen["MM_NONCE"] == nil && seen["MM_MODULES"] == nil)
        #expect(
            Set(seen.keys) == [
                "DOTNET_CLI_TELEMETRY_OPTOUT", "DOTNET_EnableDiagnostics", "DOTNET_GCHeapHardLimit", "DOTNET_TieredPGO",
                "HOME", "HOMEDRIVE", "HOMEPATH", "LANG", "MM_SESSION", "NO_COLOR", "PATH",
                "POWERSHELL_DIAGNOSTICS_OPTOUT", "POWERSHELL_TELEMETRY_OPTOUT", "POWERSHELL_UPDATECHECK", "SystemDrive",
                "TEMP", "TMP", "USERPROFILE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME",
            ])
        #expect(seen["DOTNET_GCHeapHardLimit"] == "0x18000000")
        let secret = "s3cret-value-of-a-parameter"
        _ = try await host.all("Invoke-StandIn parameters", parameters: ["Token": .secret(Secret(secret))])
        for file in ["cmdline", "environ"] {
            let text = String(
                decoding: ProcFile.read("/proc/\(host.processID)/\(file)", limit: 1 << 20) ?? [], as: UTF8.self)
            #expect(!text.isEmpty)
            #expect(!text.contains(secret))
            #expect(!text.contains("do-not-inherit"))
        }
        await host.close()
    }

    @Test("a session has its own home with mode 0700")
    func home() async throws {
        let folder = try StandIn.folder()
        let host = try await PowerShellHost.start(StandIn.settings(folder: folder), deadline: .after(.seconds(300)))
        let answer = try await host.all("Invoke-StandIn environment")
        #expect(answer.values.first?["HOME"]?.string == folder + "/home")
        #expect(answer.end?.location == folder + "/home")
        var info = stat()
        #expect(stat(folder + "/home", &info) == 0 && info.st_mode & 0o777 == 0o700)
        await host.close()
    }

    @Test("starts leak no descriptor, and so no process that is watched")
    func leaks() async throws {
        for _ in 0..<2 { await (try StandIn.host()).close() }
        let before = TestFolder.names(in: "/proc/self/fd").count
        // More starts than what other tests, which run at the same time, may hold meanwhile.
        for word in Array(repeating: StandInOptions.Start.allCases, count: 6).joined() {
            if let host = try? await StandIn.host(["--start", word.rawValue], within: .milliseconds(300)) {
                await host.close()
            }
        }
        try await until("the descriptors to be given back") {
            TestFolder.names(in: "/proc/self/fd").count <= before + 40
        }
    }

    private final class Found: @unchecked Sendable {
        // Set and read by one task, one after the other.
        var wire: StandInWire?
    }
}

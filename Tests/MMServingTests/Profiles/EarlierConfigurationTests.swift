import MMCore
import MMOperations
import MMSystem
import Testing

@testable import MMServing

@Suite("Configurations of the earlier servers", .timeLimit(.minutes(5)))
struct EarlierConfigurationTests {
    private static let root: String = {
        var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        parts.removeLast(4)
        return parts.joined(separator: "/")
    }()

    private func file(_ name: String) throws -> JSONObject {
        let bytes = try #require(try ProtectedFile.read("\(Self.root)/\(name)"))
        return try #require(try JSONParser.parse(bytes, limits: .strict).object)
    }

    @Test("MCPJungle's file differs from the original in command, arguments, and a persistent process")
    func jungle() throws {
        var own = try file("Deploy/mm/mcpjungle-config.json")
        // Its own file, not a link: some ways to copy a source tree lose links.
        #expect(try own == file("mcpjungle-config.json"))
        let words = (own["args"]?.array ?? []).compactMap(\.string)
        #expect(own["command"] == "mm-mcp")
        #expect(try MCPFaceOptions(words: words).prefix.isEmpty)
        own["command"] = nil
        own["args"] = nil
        let path = "/opt/homebrew/bin:/opt/homebrew/sbin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
        #expect(
            own == [
                "name": "mm", "transport": "stdio",
                "description":
                    "Microsoft PowerShell. Omit all params to list connections. Provide connection+module+command to execute.",
                "env": ["MM_SESSION_POOL_URL": "http://localhost:5200", "PATH": .string(path)],
                // One process for all calls, so that none has to start for each.
                "session_mode": "stateful",
            ])
    }

    @Test("so does the session manager's, which is also Claude Desktop's entry")
    func manager() throws {
        let own = try file("Deploy/pwsh-manager/mcpjungle-config.json")
        let words = (own["args"]?.array ?? []).compactMap(\.string)
        #expect(try MCPFaceOptions(words: words).profile == "pwsh-manager")
        #expect(own["env"] == ["PWSH_MANAGER_URL": "http://localhost:5100"])
        #expect(own.keys == ["name", "description", "transport", "command", "args", "env"])
    }

    @Test(
        "compose files keep the names, and publish only to this machine",
        arguments: [
            ("Deploy/session-pool/docker-compose.unified.yml", "m365-pool", "127.0.0.1:5200:5200"),
            ("Deploy/session-pool/docker-compose.isolated.yml", "m365-router", "127.0.0.1:5200:5200"),
            ("Deploy/pwsh-manager/docker-compose.yml", "pwsh-manager", "127.0.0.1:${PWSH_MANAGER_PORT:-5100}:5100"),
        ])
    func compose(name: String, container: String, port: String) async throws {
        let program = "import json,sys,yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))"
        let command = ChildCommand(
            "/usr/bin/env", ["python3", "-c", program, "\(Self.root)/\(name)"],
            environment: ["PATH": ProcessEnvironment.read()["PATH"] ?? "/usr/bin:/bin"])
        let ran = try await ChildProcess.run(command, input: [], limit: 1 << 20, timeout: .seconds(300))
        guard ran.exit.code == 0, let parsed = try? JSONParser.parse(ran.output) else {
            print("skipped: reading \(name): no Python with PyYAML here")
            return
        }
        let services = try #require(parsed["services"]?.object)
        var ports: [String] = []
        var containers: [String] = []
        for (key, service) in services {
            containers += [service["container_name"]?.string].compactMap { $0 }
            ports += (service["ports"]?.array ?? []).compactMap(\.string)
            #expect(service["privileged"] == nil && service["network_mode"] == nil)
            #expect(service["security_opt"] == ["no-new-privileges:true"])
            // Every named volume is declared.
            for volume in (service["volumes"]?.array ?? []).compactMap(\.string) where !volume.hasPrefix("~") {
                let source = volume.split(separator: ":").first.map(String.init) ?? ""
                #expect(parsed["volumes"]?.object?.keys.contains(source) == true, "\(volume)")
                #expect(!volume.contains("docker.sock"))
                // A volume belongs to root, and mm refuses such a folder for its tokens.
                #expect(!volume.contains(":/home/mm/"), "\(volume)")
            }
            guard let words = service["command"]?.array?.compactMap(\.string) else { continue }
            #expect(words.first == "pool")
            // Other containers use the service's name and the container's.
            let names = words.filter { $0.hasPrefix("--allow-host=") }.map { String($0.dropFirst(13)) }
            let wanted = words.contains("--trust-network") ? [key, service["container_name"]?.string ?? key] : []
            #expect(Set(names) == Set(wanted))
        }
        #expect(containers.contains(container))
        #expect(ports == [port])
    }

    @Test("the session manager's image is the pool's with another port and profile")
    func managerImage() throws {
        let bytes = try #require(try ProtectedFile.read("\(Self.root)/Deploy/session-pool/Dockerfile"))
        let stages = String(decoding: bytes, as: UTF8.self).split(separator: "\nFROM ").filter {
            $0.hasPrefix("host AS ")
        }
        let wanted = [("pwsh-manager", "pwsh-manager", 5100), ("session-pool", "pool", 5200)]
        #expect(stages.count == wanted.count)
        for (stage, (name, profile, port)) in zip(stages, wanted) {
            let words = #"CMD ["pool", "serve", "--profile", "\#(profile)", "--listen", "0.0.0.0:\#(port)"]"#
            #expect(stage.hasPrefix("host AS \(name)\nEXPOSE \(port)\n") && stage.contains(words), "\(stage)")
        }
    }

    @Test("the image's modules are pinned, and recent enough")
    func image() throws {
        let bytes = try #require(try ProtectedFile.read("\(Self.root)/Deploy/session-pool/Dockerfile"))
        let text = String(decoding: bytes, as: UTF8.self)
        for name in ["EXCHANGE", "AZ_ACCOUNTS", "AZ_RESOURCES", "TEAMS", "PNP", "GRAPH", "PAC", "POWERSHELL"] {
            let line = text.split(separator: "\n").first { $0.hasPrefix("ARG \(name)_VERSION=") }
            let version = try #require(line, "\(name)").split(separator: "=")[1]
            #expect(version.split(separator: ".").count == 3 && version.allSatisfy { $0.isNumber || $0 == "." })
        }
        #expect(text.contains("FROM swift:") && text.contains("DOTNET_GCHeapHardLimit=0x10000000"))
        #expect(!text.contains("latest") && !text.contains("nightly"))
    }
}

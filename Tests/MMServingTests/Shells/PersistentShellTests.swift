import Glibc
import MMCore
import MMLegacy
import MMOperations
import MMShell
import MMSystem
import TestSupport
import Testing

@testable import MMServing

@Suite("The persistent shell's settings and tools", .timeLimit(.minutes(10)))
struct PersistentShellTests {
    @Test("has the earlier server's defaults")
    func defaults() throws {
        let settings = try PersistentShellSettings(environment: [:])
        #expect(settings.host == "127.0.0.1" && settings.port == 3000)
        #expect(settings.timeout == 3600 && settings.maximumSessions == 100 && settings.cleanupInterval == 300)
        #expect(settings.defaultShell == "/bin/bash" && settings.workspace == "/workspace")
        #expect(settings.logLevel == "info" && settings.logFormat == "json")
        #expect(settings.policy.isEnabled == false)
        let options = try MCPFaceOptions(words: ["--profile", "persistent-shell"], environment: [:])
        #expect(options.http?.host == "127.0.0.1" && options.http?.port == 3000)
    }

    @Test("reads every variable of the earlier server, in any case")
    func variables() throws {
        let settings = try PersistentShellSettings(environment: [
            "MCP_SHELL_SERVER__HOST": "::1", "mcp_shell_server__port": "3100", "MCP_SHELL_LOGGING__LEVEL": "debug",
            "MCP_SHELL_LOGGING__FORMAT": "console", "MCP_SHELL_SESSION__TIMEOUT": "60",
            "MCP_SHELL_SESSION__MAX_SESSIONS": "3", "MCP_SHELL_SESSION__CLEANUP_INTERVAL": "30",
            "MCP_SHELL_SHELL__DEFAULT_SHELL": "/usr/bin/zsh", "MCP_SHELL_SECURITY__ENABLED": "true",
            "MCP_SHELL_SECURITY__WORKING_DIRECTORY": "/srv", "MCP_SHELL_SECURITY__MAX_EXECUTION_TIME": "7",
            "MCP_SHELL_CONFIG_FILE": "",
        ])
        #expect(settings.host == "::1" && settings.port == 3100 && settings.kind == "zsh")
        #expect(settings.timeout == 60 && settings.maximumSessions == 3 && settings.cleanupInterval == 30)
        #expect(settings.policy.isEnabled && settings.policy.maximumTime == .seconds(7))
        #expect(settings.workspace == "/srv")
        let options = try MCPFaceOptions(
            words: ["--profile", "persistent-shell"],
            environment: ["MCP_SHELL_SERVER__HOST": "::1", "MCP_SHELL_SERVER__PORT": "3100"])
        #expect(options.http?.host == "::1" && options.http?.port == 3100)
    }

    @Test(
        "refuses invalid values by name",
        arguments: [
            ("MCP_SHELL_SERVER__PORT", "x"), ("MCP_SHELL_SESSION__TIMEOUT", "-1"),
            ("MCP_SHELL_SHELL__DEFAULT_SHELL", "/bin/ls"), ("MCP_SHELL_CONFIG_FILE", "/nowhere/security.yaml"),
            ("MCP_SHELL_SECURITY__ENABLED", "perhaps"), ("MCP_SHELL_LOGGING__FORMAT", "xml"),
        ])
    func wrong(name: String, value: String) {
        let error = #expect(throws: MMError.self) { try PersistentShellSettings(environment: [name: value]) }
        #expect(error?.message.contains(name.hasSuffix("FILE") ? value : name) == true)
    }

    @Test("logs at the configured level, to standard error like the earlier server")
    func logging() throws {
        func product(_ given: [String: String]) -> [String: String] { PersistentShellSettings.product(given) }
        #expect(product([:])["MM_LOG_LEVEL"] == "info")
        #expect(product([:])[OperationServices.standardErrorForm] == "json")
        #expect(product(["MM_LOG_LEVEL": "debug"])["MM_LOG_LEVEL"] == "debug")
        let chosen = product([
            "MM_LOG_LEVEL": "debug", "MCP_SHELL_LOGGING__LEVEL": "ERROR", "MCP_SHELL_LOGGING__FORMAT": "console",
        ])
        #expect(chosen["MM_LOG_LEVEL"] == "error" && chosen[OperationServices.standardErrorForm] == "console")
        let wrong = product(["MCP_SHELL_LOGGING__LEVEL": "loud"])
        #expect(wrong["MM_LOG_LEVEL"] == nil, "the profile refuses it, and says why")
        #expect(ToolProfiles.environment([:], for: "persistent-shell")["MM_LOG_LEVEL"] == "info")
        #expect(ToolProfiles.environment([:], for: "ssh-session")["MM_LOG_LEVEL"] == nil)
    }

    @Test("limits all processes of a shell together if configured")
    func together() throws {
        #expect(try PersistentShellSettings(environment: [:]).configuration(workspace: "/w").treeLimits == nil)
        let settings = try PersistentShellSettings(environment: [
            "MCP_SHELL_SHELL__TOTAL_MEMORY_MB": "64", "MCP_SHELL_SHELL__TOTAL_PROCESSES": "20",
            "MCP_SHELL_SHELL__TOTAL_CPUS": "0.5",
        ])
        let limits = settings.configuration(workspace: "/w").treeLimits
        #expect(limits == TreeLimits(memory: 64 << 20, processes: 20, processors: 0.5, isBestEffort: true))
        #expect(throws: MMError.self) {
            try PersistentShellSettings(environment: ["MCP_SHELL_SHELL__TOTAL_CPUS": "many"])
        }
    }

    @Test("begins no session that is on another server")
    func placement() async throws {
        let directory = LocalSessionDirectory()
        let folder = try TestFolder.make("/tmp/mm-place-")
        defer { rmdir(folder) }
        var settings = try PersistentShellSettings(environment: ["PATH": "/usr/bin:/bin"])
        settings.workspace = folder
        let services = OperationServices(environment: ["HOME": folder, "PATH": "/usr/bin:/bin"])
        let here = PersistentShell(settings: settings, directory: directory, holder: "here")
        let there = PersistentShell(settings: settings, directory: directory, holder: "there")
        let call = CallContext(caller: Caller(surface: .mcp, name: "test", server: "test"))
        let member = try await here.member(call, id: nil, services)
        #expect(await services.shells.count == 1)
        let error = await #expect(throws: MMError.self) { try await there.member(call, id: nil, services) }
        #expect(error?.code == .conflict && error?.details["holder"] == "here")
        await services.shells.close(member.key)
        await here.release(member.key.owner)
        _ = try await there.member(call, id: nil, services)
        await there.close()
        await services.close()
    }

    @Test("reads the earlier server's own secure configuration")
    func secureFile() throws {
        let file = #filePath.split(separator: "/").dropLast(4).joined(separator: "/")
        let settings = try PersistentShellSettings(environment: [
            "MCP_SHELL_CONFIG_FILE": "/\(file)/Deploy/persistent-shell/config/security.yaml"
        ])
        #expect(settings.policy.isEnabled && settings.policy.allowedExecutables?.contains("git") == true)
        #expect(settings.policy.blockedPatterns.contains("chmod\\s+(777|666)"))
        let home = try ServingHome()
        let text = """
            security: {enabled: true, allowed_executables: [ls], run_as_user: "", audit_log: true}
            session: {timeout: 61, max_sessions: 5, cleanup_interval: 31}
            server: {name: mcp-persistent-shell, version: 0.1.0, host: 127.0.0.1, port: 3001}
            logging: {level: info, format: json}
            shell: {default_shell: /bin/bash, prompt_marker: __X__}
            """
        try home.write("all.yaml", text)
        let all = try PersistentShellSettings(environment: [
            "MCP_SHELL_CONFIG_FILE": home["all.yaml"], "MCP_SHELL_SERVER__PORT": "3999",
        ])
        #expect(all.port == 3001 && all.timeout == 61 && all.maximumSessions == 5)
    }

    private func tool(_ name: String, _ profile: ToolProfile) throws -> ProfileTool {
        try #require(profile.tools.first { $0.name == name })
    }

    private func call(_ name: String, _ arguments: JSONObject, _ profile: ToolProfile, _ home: ServingHome)
        async throws -> JSONObject
    {
        let context = CallContext(caller: Caller(surface: .mcp, name: "test", server: "mm"), sessionID: "one")
        let answer = try await tool(name, profile).call(arguments, context, home.services)
        #expect(answer.isError == false)
        let structured = try #require(answer.structured)
        #expect(try JSONParser.parse(answer.text) == .object(structured))
        return structured
    }

    @Test("answers with the earlier server's fields and texts")
    func answers() async throws {
        Signals.ignoreBrokenPipes()
        let home = try ServingHome()
        mkdir(home["w"], 0o755)
        func made(_ name: String, most: Int) throws -> ToolProfile {
            try home.write(
                name,
                "security:\n  enabled: true\n  allowed_executables: [ls, echo, cd, pwd, sleep]\n"
                    + "  blocked_patterns: ['rm\\s+.*-rf.*']\n  max_execution_time: \(most)\n"
                    + "  working_directory: \(home["w"])\n")
            return try PersistentShellProfile.profile(environment: ["MCP_SHELL_CONFIG_FILE": home[name]])
        }
        let profile = try made("security.yaml", most: 300)
        #expect(
            profile.tools.map(\.name) == [
                "execute_command", "get_working_directory", "reset_session", "upload_file", "download_file",
            ])
        let hello = try await call("execute_command", ["command": "echo hello"], profile, home)
        #expect(hello.keys == ["status", "exit_code", "stdout", "stderr", "command", "execution_time"])
        #expect(hello["status"] == "success" && hello["exit_code"] == 0 && hello["stdout"] == "hello")
        #expect(hello["stderr"] == "" && hello["command"] == "echo hello")
        let listed = try await call("execute_command", ["command": "ls /nowhere"], profile, home)
        #expect(listed["status"] == "error" && listed["exit_code"] == 2)
        #expect(listed["stderr"]?.string?.contains("/nowhere") == true)
        for (command, words) in [
            ("cat x", "Security validation failed: Command 'cat' is not in the allowlist. Allowed: "),
            ("rm x -rf", "Security validation failed: Command matches blocked pattern: rm\\s+.*-rf.*"),
            ("  ", "Security validation failed: Empty command"), ("echo $HOME", "Security validation failed"),
        ] {
            let refused = try await call("execute_command", ["command": .string(command)], profile, home)
            #expect(refused["status"] == "error" && refused["exit_code"] == -1 && refused["stdout"] == "")
            #expect(refused["stderr"]?.string?.hasPrefix(words) == true, "\(refused)")
        }
        let hasty = try made("hasty.yaml", most: 2)
        let slow = try await call("execute_command", ["command": "sleep 1000"], hasty, home)
        #expect(slow["status"] == "error" && slow["exit_code"] == -1)
        #expect(slow["stderr"] == "Command timed out after 2s")
        #expect(try await call("get_working_directory", [:], profile, home) == ["cwd": .string(home["w"])])
        _ = try await call("execute_command", ["command": "cd /"], profile, home)
        #expect(try await call("get_working_directory", [:], profile, home) == ["cwd": "/"])
        #expect(
            try await call("reset_session", [:], profile, home) == [
                "status": "reset", "message": "Shell session has been reset to clean state",
            ])
        #expect(try await call("get_working_directory", [:], profile, home) == ["cwd": .string(home["w"])])
        let sent = try await call(
            "upload_file", ["path": "d/script.py", "content": "cHJpbnQoJ0hlbGxvJyk="], profile, home)
        #expect(sent == ["status": "uploaded", "path": .string(home["w"] + "/d/script.py"), "size": 14])
        _ = try await call("execute_command", ["command": "cd d"], profile, home)
        let back = try await call("download_file", ["path": "script.py", "encoding": "utf-8"], profile, home)
        #expect(back == ["content": "print('Hello')", "size": 14, "encoding": "utf-8"])
        for name in ["upload_file", "download_file"] {
            let odd: JSONObject = ["path": "d/script.py", "content": "x", "encoding": "latin-1"]
            let refused = try await call(name, odd, profile, home)["error"]?.string
            #expect(refused?.contains("utf-8") == true && refused?.contains("base64") == true, "\(name)")
        }
        #expect(
            try await call("download_file", ["path": "none.txt"], profile, home) == [
                "error": "File not found: none.txt"
            ])
        let outside = try await call("upload_file", ["path": "/tmp/out.txt", "content": ""], profile, home)
        #expect(outside["error"]?.string?.hasPrefix("Failed to upload file: ") == true)
        let health = try #require(profile.http.pages["/health"])
        let page = await health(home.services)
        #expect(page.object?.keys == ["status", "version", "shell_alive", "security_enabled"])
        #expect(page["status"] == "healthy" && page["shell_alive"] == true && page["security_enabled"] == true)
        #expect(page["version"] == "0.1.0")
        await profile.close()
        await home.services.close()
    }

    @Test("the SSH tools have the names of the earlier server and its newest release")
    func sshTools() throws {
        let home = try ServingHome()
        let service = LocalOperationService(services: home.services)
        let first = try #require(try ToolProfiles.make("ssh-session", service, home.services))
        #expect(
            first.tools.map(\.name) == ["execute_command", "list_sessions", "close_session", "close_all_sessions"])
        let execute = try #require(first.tools.first)
        #expect(
            execute.inputSchema["properties"]?.object?.keys == [
                "host", "username", "command", "password", "key_filename", "port",
            ])
        #expect(execute.inputSchema["required"] == ["host", "username", "command"])
        #expect(execute.inputSchema["properties"]?["port"]?["default"] == 22)
        let full = try #require(try ToolProfiles.make("ssh-session-full", service, home.services))
        #expect(
            Set(full.tools.map(\.name)) == [
                "execute_command", "execute_command_async", "get_command_status", "interrupt_command_by_id",
                "list_running_commands", "list_command_history", "send_input", "send_input_by_session", "read_screen",
                "send_keys", "read_file", "write_file", "list_sessions", "close_session", "close_all_sessions",
            ])
        for profile in [first, full] {
            _ = try ProfileServer(
                profile, services: home.services, options: MCPFaceOptions(), principals: PrincipalTable()
            ).server()
        }
    }
}

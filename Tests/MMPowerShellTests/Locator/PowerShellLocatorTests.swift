import MMCore
import Testing

@testable import MMPowerShell

@Suite("Finding PowerShell", .timeLimit(.minutes(5)))
struct PowerShellLocatorTests {
    private func locator(_ environment: [String: String], programs: Set<String>) -> PowerShellLocator {
        PowerShellLocator(environment: environment) { programs.contains($0) }
    }

    @Test("MM_PWSH takes precedence, then PWSH_PATH, PATH and the usual places")
    func order() throws {
        let programs: Set<String> = ["/a/pwsh", "/b/pwsh", "/c/pwsh", "/usr/bin/pwsh"]
        let all = ["MM_PWSH": "/a/pwsh", "PWSH_PATH": "/b/pwsh", "PATH": "/x:/c"]
        #expect(
            try locator(all, programs: programs).locate()
                == PowerShellLocation(program: "/a/pwsh", reason: .variable("MM_PWSH")))
        #expect(
            try locator(all.filter { $0.key != "MM_PWSH" }, programs: programs).locate().description
                == "/b/pwsh (from PWSH_PATH)")
        #expect(try locator(["PATH": "/x:/c"], programs: programs).locate().description == "/c/pwsh (found in PATH)")
        #expect(try locator(["PATH": "/x"], programs: programs).locate().reason == .usualPlace)
    }

    @Test("a variable that doesn't name a program is an error, even if another pwsh exists")
    func wrongVariable() {
        let error = #expect(throws: MMError.self) {
            try locator(["MM_PWSH": "/nowhere/pwsh", "PATH": "/c"], programs: ["/c/pwsh"]).locate()
        }
        #expect(error?.message.contains("MM_PWSH") == true)
        #expect(error?.code == .invalidInput)
    }

    @Test("if there is none, the error says where was searched and how to install one")
    func none() {
        let error = #expect(throws: MMError.self) { try locator(["PATH": "/x", "HOME": "/h"], programs: []).locate() }
        #expect(error?.code == .unavailable)
        #expect(error?.hint?.contains("MM_PWSH") == true)
        #expect(error?.details["looked"]?.array?.contains("/h/.dotnet/tools/pwsh") == true)
    }

    @Test("a command with arguments, quotes and the home folder")
    func command() throws {
        let locator = locator(["PATH": "/c", "HOME": "/h"], programs: ["/c/mm", "/h/my pwsh"])
        #expect(
            try locator.command("mm sandbox 'p w'", reason: .named)
                == PowerShellLocation(program: "/c/mm", arguments: ["sandbox", "p w"], reason: .named))
        #expect(try locator.command("~/my pwsh", reason: .named).program == "/h/my pwsh")
        #expect(throws: MMError.self) { try locator.command("nothing", reason: .named) }
        #expect(throws: MMError.self) { try locator.command("/c/mm\0x", reason: .named) }
        #expect(throws: MMError.self) { try locator.command("", reason: .named) }
    }

    @Test("relative folders of PATH are not searched")
    func relativeFolders() {
        #expect(throws: MMError.self) { try locator(["PATH": ":.:bin"], programs: ["./pwsh", "bin/pwsh"]).locate() }
    }

    @Test(
        "versions as PowerShell prints them",
        arguments: [
            ("PowerShell 7.4.6", "7.4.6"), ("7.6.0-preview.2\n", "7.6.0-preview.2"), ("7.5", "7.5.0"),
            ("PowerShell 7.6.5", "7.6.5"),
        ])
    func versions(text: String, expected: String) {
        #expect(PowerShellVersion(parsing: text)?.description == expected)
    }

    @Test("texts that aren't versions", arguments: ["", "PowerShell", "seven", "7", "7.x.1", "-7.4"])
    func noVersion(text: String) { #expect(PowerShellVersion(parsing: text) == nil) }

    @Test("versions compare by number, previews before releases")
    func compares() throws {
        let words = ["7.2.24", "7.4.0-preview.1", "7.4.0", "7.4.10", "7.6.0-rc.1", "7.6.0", "10.0.0"]
        let versions = try words.map { try #require(PowerShellVersion(parsing: $0)) }
        #expect(versions == versions.sorted())
        #expect(versions.filter { $0 >= .minimum }.count == 5)
    }
}

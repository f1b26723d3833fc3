import Glibc
import MMCore
import MMOperations
import TestSupport
import Testing

@testable import MMLegacy

@Suite("The health of the persistent shell", .timeLimit(.minutes(5)))
struct HealthTests {
    @Test("requests at the same time start one shell")
    func atOnce() async throws {
        let home = try ServicesHome()
        let program = home.path + "/bash"
        try ProtectedFile.replace(
            program, with: Array("#!/bin/sh\nprintf x >>'\(home.path)/starts'\nexec /bin/bash \"$@\"\n".utf8))
        chmod(program, 0o700)
        var settings = try PersistentShellSettings(environment: [:], file: "/nowhere/.env")
        (settings.workspace, settings.namesWorkspace, settings.defaultShell) = (home.path, true, program)
        let one = PersistentShell(settings: settings)
        #expect(await one.health(home.services)["shell_alive"] == true)
        let starts = Resources.contents(home.path + "/starts")?.utf8.count
        await one.close()
        let shell = PersistentShell(settings: settings)
        async let first = shell.health(home.services)
        async let second = shell.health(home.services)
        #expect(await (first["shell_alive"], second["shell_alive"]) == (true, true))
        let all = Resources.contents(home.path + "/starts")?.utf8.count
        #expect(starts != nil && all == starts.map { 2 * $0 })
        await shell.close()
        await home.services.close()
        withExtendedLifetime(home) {}
    }
}

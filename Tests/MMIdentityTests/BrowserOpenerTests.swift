import MMCore
import TestSupport
import Testing

@testable import MMIdentity

@Suite("Opening the browser, and its return address", .timeLimit(.minutes(5)))
struct BrowserOpenerTests {
    let home: TestHome

    init() throws { home = try TestHome() }

    @Test(
        "the browser is the configured one, that of Windows, or the desktop's",
        arguments: [
            (["MM_BROWSER": "/opt/b", "BROWSER": "no"], [["/opt/b", "URL"]]),
            (["BROWSER": "first --new %s:second"], [["first", "--new", "URL"], ["second", "URL"]]),
            (["BROWSER": " ", "DISPLAY": ":0"], desktop),
            (["WAYLAND_DISPLAY": "wayland-0"], desktop), (["WSL_DISTRO_NAME": "Debian"], windows),
            (["WSL_INTEROP": "/run/WSL/8_interop", "DISPLAY": ":0"], windows + desktop),
            (["SSH_CONNECTION": "10.0.0.1 5000 10.0.0.2 22"], []), ([:], []),
        ] as [([String: String], [[String]])])
    func opener(environment: [String: String], expected: [[String]]) {
        #expect(BrowserOpener(environment: environment, kernel: "6.1.0-49-amd64").commands(for: "URL") == expected)
    }

    @Test(
        "WSL is recognised by the kernel if no variable shows it",
        arguments: ["5.15.167.4-microsoft-standard-WSL2", "4.4.0-19041-Microsoft"])
    func kernel(release: String) {
        #expect(BrowserOpener(environment: [:], kernel: release).commands(for: "URL") == Self.windows)
    }

    private static let windows = [
        ["wslview", "URL"], ["rundll32.exe", "url.dll,FileProtocolHandler", "URL"],
        ["/mnt/c/Windows/System32/rundll32.exe", "url.dll,FileProtocolHandler", "URL"],
    ]
    private static let desktop = [["xdg-open", "URL"], ["sensible-browser", "URL"], ["x-www-browser", "URL"]]

    @Test("in WSL the Windows program gets the address unchanged, found through the appended PATH")
    func windowsProgram() async throws {
        let program = "\(home.path)/rundll32.exe"
        let seen = "\(home.path)/windows"
        try ProtectedFile.replace(
            program,
            with: Array("#!/bin/sh\nprintf '%s|' \"$@\" > \(seen).part && mv \(seen).part \(seen)\n".utf8), mode: 0o700)
        let url = "https://login.example/a?x=1&y='2';z=$(id)"
        let opener = BrowserOpener(
            environment: ["PATH": "/usr/bin:/bin:\(home.path)"], kernel: "5.15.167.4-microsoft-standard-WSL2")
        #expect(opener.isThere)
        #expect(await opener.open(url))
        while try home.read(seen) == nil { try await Task.sleep(for: .milliseconds(10)) }
        #expect(String(decoding: try home.read(seen) ?? [], as: UTF8.self) == "url.dll,FileProtocolHandler|\(url)|")
    }

    @Test(
        "the browser returns to the requested address",
        arguments: [("8400", ["127.0.0.1", "::1"]), ("0.0.0.0:8400", ["0.0.0.0"]), ("[::]:8400", ["::"])])
    func redirectAddress(text: String, hosts: [String]) throws {
        let address = try RedirectAddress(environment: [RedirectAddress.variable: text])
        #expect(address.hosts == hosts && address.port == 8400)
        #expect(try RedirectAddress(environment: [:]) == .any)
    }

    @Test(
        "an invalid address is reported before a page is opened",
        arguments: ["0", "x", "70000", ":8400", "::1:8400", "0.0.0.0:", "[::]"])
    func noRedirectAddress(text: String) {
        let error = #expect(throws: MMError.self) {
            try RedirectAddress(environment: [RedirectAddress.variable: text])
        }
        #expect(error?.code == .invalidInput)
    }

    @Test("a port that another program has is reported with the variable that sets it")
    func busyPort() async throws {
        let state = Secret("FAKE-state")
        let other = try LoopbackRedirect.start(state: state)
        let address = try RedirectAddress(environment: [RedirectAddress.variable: "\(other.port)"])
        let error = #expect(throws: MMError.self) { try LoopbackRedirect.start(at: address, state: state) }
        #expect(error?.code == .conflict && error?.hint?.contains(RedirectAddress.variable) == true)
        await other.close(.unknown)
    }

    @Test("a requested port is listened on and is in the page's address, on all interfaces if requested")
    func publishedPort() async throws {
        let state = Secret("state")
        var started: (redirect: LoopbackRedirect, port: Int)?
        // Another program may take a port as soon as it is free.
        for _ in 0..<20 where started == nil {
            let free = try LoopbackRedirect.start(state: state)
            await free.close(.unknown)
            let address = try RedirectAddress(environment: [RedirectAddress.variable: "0.0.0.0:\(free.port)"])
            started = (try? LoopbackRedirect.start(at: address, state: state)).map { ($0, Int(free.port)) }
        }
        let (redirect, port) = try #require(started)
        #expect(Int(redirect.port) == port && redirect.redirectURI == "http://localhost:\(port)")
        await redirect.close(.unknown)
    }

    @Test("the opener gets any address as one argument")
    func argument() async throws {
        let program = "\(home.path)/browser"
        let seen = "\(home.path)/seen"
        try ProtectedFile.replace(
            program, with: Array("#!/bin/sh\nprintf '%s' \"$#:$1\" > \(seen).part && mv \(seen).part \(seen)\n".utf8),
            mode: 0o700)
        let url = "https://login.example/a?x=1&y='2';z=$(id)"
        let opened = await BrowserOpener(environment: ["MM_BROWSER": program, "PATH": "/usr/bin:/bin"]).open(url)
        #expect(opened)
        while try home.read(seen) == nil { try await Task.sleep(for: .milliseconds(10)) }
        #expect(String(decoding: try home.read(seen) ?? [], as: UTF8.self) == "1:\(url)")
    }
}

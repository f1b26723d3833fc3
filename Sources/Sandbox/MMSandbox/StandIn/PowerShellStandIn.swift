import Glibc
import MMCore
import MMPowerShell
import MMSystem

/// A stand-in for PowerShell, for machines without PowerShell, for tests and for the sandbox tenant. It is a real
/// process that is started like `pwsh` and speaks the session protocol if a session waits for it; otherwise it runs the
/// text or script of its arguments. It replays recorded answers, has the few cmdlets needed for signing in, and
/// evaluates what its evaluator supports; it never claims to be PowerShell.
package enum PowerShellStandIn {
    /// Runs the stand-in until its connection ends.
    /// - Parameters:
    ///   - arguments: the arguments of `pwsh`, preceded by the stand-in's own.
    ///   - environment: the environment that a session gives `pwsh`.
    ///   - evaluator: the evaluator for scripts that the stand-in itself doesn't support.
    ///   - tenant: returns the tenant at an address, for a stand-in with a sandbox; an empty address stands for the
    ///     services' own addresses.
    /// - Returns: the exit status.
    package static func run(
        arguments: [String], environment: [String: String], evaluator: (any ScriptEvaluator)? = nil,
        tenant: (_ address: String) -> (any StandInTenant)? = { _ in nil }
    ) async -> Int32 {
        let options: StandInOptions
        do throws(MMError) { options = try StandInOptions(arguments) } catch {
            tell(error.description)
            return 64
        }
        if options.asksVersion {
            print("PowerShell \(StandInGreeting.version)")
            return 0
        }
        if case .file(let script, _) = options.work, access(script, R_OK) != 0 {
            tell(
                "The argument '\(script)' is not recognized as the name of a script file. Check the spelling of the name, or "
                    + "if a path was included, verify that the path is correct and try again.")
            return 64
        }
        let status = OneShot<Int32>()
        // If the process is given a machine identity, the services' own addresses lead to a tenant.
        let isGiven = environment["MM_WIRE"] == nil && environment["IDENTITY_ENDPOINT"] != nil
        let tenant = options.sandbox.flatMap(tenant) ?? (isGiven ? tenant("") : nil)
        do throws(MMError) {
            try DedicatedThread.start("stand-in") {
                status.resolve(serve(options, environment, evaluator, tenant))
            }
        } catch {
            tell(error.description)
            return 70
        }
        return await status.wait()
    }

    private static func serve(
        _ options: StandInOptions, _ environment: [String: String], _ evaluator: (any ScriptEvaluator)?,
        _ tenant: (any StandInTenant)?
    ) -> Int32 {
        // This thread blocks all signals, but PowerShell ends on SIGTERM.
        var terminate = sigset_t()
        sigemptyset(&terminate)
        sigaddset(&terminate, SIGTERM)
        pthread_sigmask(SIG_UNBLOCK, &terminate, nil)
        if options.startAfter > 0 { usleep(UInt32(options.startAfter) * 1000) }
        guard environment["MM_WIRE"] != nil else {
            return StandInConsole.run(options) { wire in
                StandInHost(
                    options: options, wire: wire, environment: environment, evaluator: evaluator, tenant: tenant)
            }
        }
        guard let port = environment["MM_WIRE"].flatMap({ UInt16($0) }), let nonce = environment["MM_NONCE"] else {
            tell("There is no session to connect to: MM_WIRE and MM_NONCE are not set.")
            return 70
        }
        if options.start == .dies {
            tell("The stand-in ends while it starts.")
            return 3
        }
        if options.start == .noConnection {
            while true { pause() }
        }
        let wire: StandInWire
        do throws(MMError) { wire = try StandInWire(port: port) } catch {
            tell(error.description)
            return 70
        }
        greet(wire, options, nonce: nonce)
        var kept = environment
        for name in ["MM_WIRE", "MM_NONCE", "MM_MODULES"] {
            kept[name] = nil
            unsetenv(name)
        }
        return StandInHost(
            options: options, wire: wire, environment: kept, evaluator: evaluator, tenant: tenant
        ).serve()
    }

    private static func greet(_ wire: StandInWire, _ options: StandInOptions, nonce: String) {
        var hello: JSONObject = [
            "t": "hello", "protocol": 1, "nonce": .string(nonce), "pid": .int(Int64(getpid())),
            "version": .string(StandInGreeting.version), "runtime": .string(StandInGreeting.runtime),
        ]
        switch options.start {
        case .wrongNonce: hello["nonce"] = "guessed"
        case .wrongProtocol: hello["protocol"] = 99
        case .wrongProcess: hello["pid"] = 1
        case .oldVersion: hello["version"] = "7.2.24"
        case .noGreeting: return
        case .halfGreeting:
            wire.put(JSONWriter.bytes(.object(hello)).prefix(40))
            wire.flush()
            return
        case .garbage: wire.put("welcome\n".utf8)
        case .wellBehaved, .noConnection, .dies: break
        }
        wire.put(hello)
        wire.flush()
    }

    private static func tell(_ text: String) {
        let bytes = Array((text + "\n").utf8)
        _ = bytes.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
    }
}

import MMCore

/// Where checks run: one host that they share, replaced when a check has cost its life.
actor DoctorBench {
    let settings: HostSettings
    private var shared: PowerShellHost?

    init(_ settings: HostSettings) { self.settings = settings }

    /// The shared host, alive.
    func host() async throws(MMError) -> PowerShellHost {
        if let shared, !shared.isLost { return shared }
        var patient = settings
        // A busy machine may take its time to stop what runs: that is slow, not broken.
        patient.times.terminateAfter = .seconds(60)
        let started = try await PowerShellHost.start(patient, deadline: .after(.seconds(120)))
        shared = started
        return started
    }

    /// A host of the check's own, closed behind it.
    func withFreshHost<Value: Sendable>(
        _ body: @Sendable (PowerShellHost) async throws -> Value
    ) async throws -> Value {
        let host = try await PowerShellHost.start(settings, deadline: .after(.seconds(120)))
        do {
            let value = try await body(host)
            await host.close()
            return value
        } catch {
            await host.close()
            throw error
        }
    }

    /// Ends the shared host.
    func close() async {
        await shared?.close()
        shared = nil
    }

    /// Runs a script on the shared host.
    func run(_ script: String, within limit: Duration = .seconds(60)) async throws(MMError) -> PowerShellAnswer {
        try await host().answer(PowerShellCommand(script), deadline: .after(limit))
    }

    /// Runs a script and demands its output.
    @discardableResult
    func expect(_ script: String, _ values: [JSONValue]) async throws -> String {
        let answer = try await run(script)
        try demand(answer.values == values, "\(script) gave \(answer.values), not \(values)")
        return ""
    }
}

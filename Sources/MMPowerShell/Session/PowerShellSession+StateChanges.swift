import MMCore
import MMSessions
import MMSystem

extension PowerShellSession {
    /// Returns the error that tells a person what to do.
    func signInNeeded(_ prompt: DevicePrompt) -> MMError {
        let target = settings.target
        let connection = target?.connection ?? ""
        let person = target?.account.map { " as \($0)" } ?? ""
        var details: JSONObject = [
            "connection": .string(connection), "userCode": .string(prompt.userCode),
            "verificationUri": .string(prompt.page), "message": .string(prompt.message),
        ]
        if let module = settings.profile?.name { details["module"] = .string(module) }
        if let account = target?.account { details["account"] = .string(account) }
        if let end = prompt.expiresAt ?? signInStarted.map({ $0 + settings.signInTimeout }) {
            details["expiresAt"] = .string(end.iso8601)
        }
        details["reason"] = prompt.reason.map { .string($0) }
        let reason = prompt.reason.map { $0 + " " } ?? ""
        return MMError(
            .signInNeeded,
            "Sign-in needed for \(connection): open \(prompt.page), enter the code \(prompt.userCode) and sign in\(person).",
            hint: reason + "Approve it in a browser, then repeat the same call: it continues with this sign-in.",
            retry: .after(.seconds(5)), details: details)
    }

    /// Waits until the session's state changes.
    func waitForStateChange(_ deadline: Deadline) async throws(MMError) {
        let place = OneShot<Bool>()
        stateWaiters.append(place)
        let timer = deadline.instant.map { instant in
            Task {
                try? await Task.sleep(until: instant, clock: .continuous)
                if !Task.isCancelled { place.resolve(false) }
            }
        }
        let hasChanged = await withTaskCancellationHandler {
            await place.wait()
        } onCancel: {
            place.resolve(false)
        }
        timer?.cancel()
        if hasChanged { return }
        stateWaiters.removeAll { $0 === place }
        if Task.isCancelled { throw MMError(.cancelled, "The command was cancelled before it was sent.") }
        throw deadline.exceeded("waiting for the session to start; the command was not sent")
    }

    func notifyStateChange() {
        if case .signingIn(_?) = life.state {
            if signInStarted == nil { signInStarted = settings.clock.now }
        } else {
            signInStarted = nil
        }
        let waiting = stateWaiters
        stateWaiters = []
        for place in waiting { place.resolve(true) }
    }
}

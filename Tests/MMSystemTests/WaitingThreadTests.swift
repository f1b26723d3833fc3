import Glibc
import MMCore
import Testing

@testable import MMSystem

@Suite("A thread that waits for a task", .timeLimit(.minutes(5)))
struct WaitingThreadTests {
    private static func thread() -> UInt { UInt(pthread_self()) }

    @Test("runs the task's jobs while it waits, also after the task has waited for others")
    func runsJobs() async throws {
        let (task, own) = try await DedicatedThread.run("waiting") { () throws(MMError) in
            let waiting = WaitingThread()
            var task: Task<UInt, Never>?
            waiting.wait {
                task = Task(executorPreference: waiting) {
                    let first = Self.thread()
                    // The end of a wait that comes before the thread waits again is for the pool of threads.
                    repeat { try? await Task.sleep(for: .milliseconds(1)) } while Self.thread() != first
                    waiting.post()
                    return first
                }
            }
            return (task, Self.thread())
        }
        #expect(await task?.value == own)
    }

    @Test("leaves the jobs to the pool of threads while it is busy, and once it doesn't wait any more")
    func leavesJobs() async throws {
        let (first, second) = (OneShot<Void>(), OneShot<Void>())
        let value = try await DedicatedThread.run("waiting") { () throws(MMError) in
            let waiting = WaitingThread()
            var task: Task<Int, Never>?
            waiting.wait {
                task = Task(executorPreference: waiting) {
                    waiting.post()
                    await first.wait()
                    let other = Task(executorPreference: waiting) { 1 }
                    await second.wait()
                    return await other.value + 1
                }
            }
            return task
        }
        first.resolve(())
        second.resolve(())
        #expect(await value?.value == 2)
    }

    @Test("its wait ends with a post, given before or meanwhile, or when its time is over")
    func ends() async throws {
        let ends = try await DedicatedThread.run("waiting") { () throws(MMError) in
            let waiting = WaitingThread()
            waiting.post()
            waiting.post()
            let before = [waiting.wait(), waiting.wait(milliseconds: 0), waiting.wait(milliseconds: 20)]
            return before + [waiting.wait { Task { waiting.post() } }]
        }
        #expect(ends == [true, true, false, true])
    }

    @Test("thousands of tasks that wake one another lose no job")
    func losesNothing() async throws {
        let tasks = try await DedicatedThread.run("waiting") { () throws(MMError) in
            let waiting = WaitingThread()
            var tasks: [Task<Int, Never>] = []
            for _ in 0..<200 {
                waiting.wait {
                    let task = Task(executorPreference: waiting) {
                        let all = await withTaskGroup(of: Int.self) { group in
                            for number in 1...20 {
                                group.addTask {
                                    await Task.yield()
                                    return number
                                }
                            }
                            return await group.reduce(0, +)
                        }
                        waiting.post()
                        return all
                    }
                    tasks.append(task)
                }
            }
            return tasks
        }
        for task in tasks { #expect(await task.value == 210) }
    }
}

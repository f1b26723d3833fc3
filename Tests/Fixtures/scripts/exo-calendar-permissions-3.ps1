Set-ExecutionPolicy -ExecutionPolicy RemoteSigned -Scope Process -Force
Import-Module ExchangeOnlineManagement
$adminUpn = "admin@contoso-sandbox.example"
try {
    Connect-ExchangeOnline -UserPrincipalName $adminUpn -ErrorAction Stop
}
catch {
    Write-Host "Could not connect: $($_.Exception.Message)" -ForegroundColor Red
    return
}
$user = Read-Host "Mailbox"
foreach ($m in Get-Mailbox -ResultSize 50) {
    Get-MailboxFolderPermission -Identity "$($m.Alias):\Calendar" -ErrorAction SilentlyContinue |
        Select-Object @{ Name = 'Mailbox'; Expression = { $m.Alias } }, User, AccessRights
}

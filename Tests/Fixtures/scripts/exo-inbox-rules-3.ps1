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
foreach ($mbx in Get-Mailbox -ResultSize 100) {
    Get-InboxRule -Mailbox $mbx.PrimarySmtpAddress | Where-Object { $_.ForwardTo -or $_.RedirectTo } |
        Select-Object @{ n = 'Mailbox'; e = { $mbx.PrimarySmtpAddress } }, Name, ForwardTo, RedirectTo
}
Disconnect-ExchangeOnline -Confirm:$false -InformationAction Ignore -ErrorAction SilentlyContinue

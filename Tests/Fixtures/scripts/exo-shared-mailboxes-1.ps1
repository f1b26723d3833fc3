# Connect only when there is no session yet
$connection = Get-ConnectionInformation | Where-Object { $_.State -eq 'Connected' }
if (-not $connection) {
    Connect-ExchangeOnline
}
$shared = Get-Mailbox -RecipientTypeDetails SharedMailbox -ResultSize Unlimited
foreach ($box in $shared) {
    Get-MailboxPermission -Identity $box.Identity | Where-Object { $_.User -ne 'NT AUTHORITY\SELF' -and -not $_.IsInherited }
}
Disconnect-ExchangeOnline -Confirm:$false

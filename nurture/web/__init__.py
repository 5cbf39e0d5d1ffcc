"""The app in the browser, and the pages and addresses that mails lead to."""
